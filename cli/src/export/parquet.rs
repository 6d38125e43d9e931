//! Tables as a Parquet file, which keeps the types of its columns.

use parquet::basic::{ConvertedType, Encoding, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{ColumnPath, Type};
use std::fs::File;
use std::sync::Arc;
use tracker::Table;
use tracker::table::{Column, Values};

/// A file that is being written.
pub(super) struct Parquet(SerializedFileWriter<File>);

impl Parquet {
    /// Begins a file with the columns of a table.
    pub(super) fn new(file: File, table: &Table) -> Result<Self> {
        let fields: Result<Vec<_>> = table.columns.iter().map(|column| field(column).map(Arc::new)).collect();
        let schema = Type::group_type_builder("schema").with_fields(fields?).build()?;
        let mut properties = WriterProperties::builder().set_created_by(format!("assay {}", env!("CARGO_PKG_VERSION")));
        for column in &table.columns {
            // Steps and times go up evenly: their differences take a few bits.
            if matches!(column.values, Values::Integer(_) | Values::Moment(_) | Values::Duration(_)) {
                let path = ColumnPath::new(vec![column.name.clone()]);
                properties = properties
                    .set_column_dictionary_enabled(path.clone(), false)
                    .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
            }
        }
        Ok(Self(SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties.build()))?))
    }

    /// Appends the rows of a table with the same columns.
    pub(super) fn group(&mut self, table: &Table) -> Result<()> {
        if table.columns.first().is_none_or(|column| column.values.is_empty()) {
            return Ok(());
        }
        let mut group = self.0.next_row_group()?;
        for column in &table.columns {
            let missing = || ParquetError::General(format!("there is no column for {}", column.name));
            let mut writer = group.next_column()?.ok_or_else(missing)?;
            match &column.values {
                Values::Bool(values) => write::<BoolType>(&mut writer, values.iter().copied())?,
                Values::Float(values) => write::<DoubleType>(&mut writer, values.iter().copied())?,
                Values::Integer(values) | Values::Moment(values) | Values::Duration(values) => {
                    write::<Int64Type>(&mut writer, values.iter().copied())?;
                }
                Values::Text(values) => {
                    let bytes =
                        |text: &Option<String>| text.as_ref().map(|text| ByteArray::from(text.as_bytes().to_vec()));
                    write::<ByteArrayType>(&mut writer, values.iter().map(bytes))?;
                }
            }
            writer.close()?;
        }
        group.close()?;
        Ok(())
    }

    /// Writes what a reader begins with.
    pub(super) fn end(self) -> Result<()> {
        self.0.close().map(drop)
    }
}

/// A duration is a number of milliseconds: Parquet has no type for it.
fn field(column: &Column) -> Result<Type> {
    let (physical, meaning) = match column.values {
        Values::Bool(_) => (Physical::BOOLEAN, ConvertedType::NONE),
        Values::Float(_) => (Physical::DOUBLE, ConvertedType::NONE),
        Values::Text(_) => (Physical::BYTE_ARRAY, ConvertedType::UTF8),
        Values::Moment(_) => (Physical::INT64, ConvertedType::TIMESTAMP_MILLIS),
        Values::Integer(_) | Values::Duration(_) => (Physical::INT64, ConvertedType::NONE),
    };
    Type::primitive_type_builder(&column.name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_converted_type(meaning)
        .build()
}

/// Of a value that may be absent, Parquet wants the values that are there, and for each row whether there is one.
fn write<T: DataType>(
    writer: &mut SerializedColumnWriter<'_>,
    values: impl Iterator<Item = Option<T::T>> + Clone,
) -> Result<()> {
    let there: Vec<i16> = values.clone().map(|value| i16::from(value.is_some())).collect();
    let known: Vec<T::T> = values.flatten().collect();
    writer.typed::<T>().write_batch(&known, Some(&there), None).map(drop)
}

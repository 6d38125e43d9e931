//! Pictures in files: SVG as it is, PNG drawn from it with a font that comes along, so that a file looks the same
//! on every machine.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

/// Pixels of a PNG for each unit of the SVG: sharp on screens of today, and in print at half the size.
const SCALE: f32 = 2.0;

/// A picture that could not be drawn or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// The name does not say what to write.
    #[error("{}: a picture is saved as .svg or .png", path.display())]
    UnknownFormat { path: PathBuf },

    /// The file can't be written.
    #[error("can't write {}: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },

    /// The data does not have the shape that the chart needs.
    #[error("{what}")]
    Shape { what: String },

    /// The picture can't be drawn as pixels.
    #[error("can't draw {} as PNG: {reason}", path.display())]
    Draw { path: PathBuf, reason: String },
}

/// Writes an SVG document to a file, as `.svg` or, on white, as `.png`.
///
/// # Errors
/// When the name ends otherwise, the document can't be drawn or the file can't be written.
pub(crate) fn save(svg: &str, path: &Path) -> Result<(), PlotError> {
    let content = match path.extension().and_then(|end| end.to_str()) {
        Some("svg") => svg.as_bytes().to_vec(),
        Some("png") => png(svg).map_err(|reason| PlotError::Draw { path: path.to_owned(), reason })?,
        _ => return Err(PlotError::UnknownFormat { path: path.to_owned() }),
    };
    std::fs::write(path, content).map_err(|source| PlotError::Write { path: path.to_owned(), source })
}

fn png(svg: &str) -> Result<Vec<u8>, String> {
    static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
        let mut fonts = fontdb::Database::new();
        fonts.load_font_data(dejavu::sans::regular().to_vec());
        fonts.load_font_data(dejavu::sans::bold().to_vec());
        fonts.set_sans_serif_family("DejaVu Sans");
        Arc::new(fonts)
    });
    let options = Options { fontdb: Arc::clone(&FONTS), font_family: "DejaVu Sans".to_owned(), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|error| error.to_string())?;
    let size = tree.size().to_int_size().scale_by(SCALE).ok_or("it has no size")?;
    let mut pixels = Pixmap::new(size.width(), size.height()).ok_or("it is too large")?;
    pixels.fill(Color::WHITE);
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use crate::plot::{Figure, heatmap, line_chart};

    #[test]
    fn the_name_says_what_is_written() {
        let folder = std::env::temp_dir().join(format!("lab-save-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let chart = line_chart("loss").x_label("epoch").line("train", &[(1.0, 2.0), (2.0, 1.0), (3.0, 0.5)]);
        let figure = Figure::new(vec![chart]);
        figure.save(folder.join("loss.svg")).expect("an SVG");
        assert_eq!(std::fs::read_to_string(folder.join("loss.svg")).expect("text"), figure.svg());
        figure.save(folder.join("loss.png")).expect("a PNG");
        let picture = image::open(folder.join("loss.png")).expect("a picture").into_rgb8();
        assert_eq!(picture.dimensions(), (1120, 540));
        // Below the axis there is nothing but text.
        let dark = |row| (0..1120).filter(|&column| picture.get_pixel(column, row).0[0] < 0x90).count();
        assert!((460..540).map(dark).sum::<usize>() > 200, "no text");
        assert!((92..440).map(dark).sum::<usize>() > 1_000, "no line");
        // Pictures within the picture are drawn too: a large heat map is one, half white, half deep blue.
        let values: Vec<f64> = (0..1600).map(|cell| if cell % 40 < 20 { 0.0 } else { 1.0 }).collect();
        let heat = heatmap("", 40, 40, &values).expect("as many values as cells");
        heat.save(folder.join("heat.png")).expect("a PNG");
        let picture = image::open(folder.join("heat.png")).expect("a picture").into_rgb8();
        let deep = picture.pixels().filter(|pixel| pixel.0 == [8, 69, 129]).count();
        assert!(deep > 400 * 800, "{deep} of {:?}", picture.dimensions());
        let error = figure.save(folder.join("loss.gif")).expect_err("no such format").to_string();
        assert!(error.contains("loss.gif") && error.contains(".png"), "{error}");
        assert!(figure.save(folder.join("nowhere/loss.svg")).is_err());
    }
}

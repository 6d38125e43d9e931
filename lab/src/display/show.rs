//! The trait for values that know how they look in a notebook.

use std::fmt::Debug;

use super::{MimeBundle, debug};

/// A value with a rich form: a table, a chart, a picture.
///
/// ```ignore
/// struct Swatch(&'static str);
/// impl Show for Swatch {
///     fn show(&self) -> MimeBundle {
///         MimeBundle::new().with_text(self.0).with_html(format!("<b style='color:{0}'>{0}</b>", self.0))
///     }
/// }
/// ```
pub trait Show {
    /// The value in the formats it has, plain text among them. An empty bundle shows nothing.
    fn show(&self) -> MimeBundle;
}

impl Show for () {
    fn show(&self) -> MimeBundle {
        MimeBundle::new()
    }
}

impl Show for MimeBundle {
    fn show(&self) -> MimeBundle {
        self.clone()
    }
}

impl<T: Show + ?Sized> Show for &T {
    fn show(&self) -> MimeBundle {
        (**self).show()
    }
}

impl<T: Show + ?Sized> Show for &mut T {
    fn show(&self) -> MimeBundle {
        (**self).show()
    }
}

impl<T: Show + ?Sized> Show for Box<T> {
    fn show(&self) -> MimeBundle {
        (**self).show()
    }
}

/// `Ok` looks like what is in it; `Err` is shown as an error, never left out.
impl<T: Show, E: Debug> Show for Result<T, E> {
    fn show(&self) -> MimeBundle {
        match self {
            Ok(value) => value.show(),
            Err(error) => failed(error),
        }
    }
}

fn failed(error: &dyn Debug) -> MimeBundle {
    MimeBundle::new().with_text(format!("Err({})", debug::text(error)))
}

//! How a cell's last expression is shown: one build, the way picked by method resolution.
//!
//! The compiler tries the receivers `&&&&Tail`, `&&&Tail`, ... in turn, so the first of these that the
//! type allows is taken: [`Show`], `evcxr_display`, a model's summary, `Debug`, and at last its name.

use std::fmt::Debug;

use dfdx::nn::TensorCollection;

use super::{MimeBundle, Show, debug};
use crate::device::Dev;
use crate::{host, nn};

/// A value to show, and a way to call its `evcxr_display` if it has one.
pub struct Tail<'a, T: ?Sized, R> {
    /// The value.
    pub value: &'a T,
    /// Calls the method; without one, returns [`NoEvcxr`].
    pub evcxr: &'a dyn Fn() -> R,
}

/// What [`EvcxrFallback::evcxr_display`] returns: the type has no such method of its own.
pub struct NoEvcxr;

/// Gives every type an `evcxr_display`, which a method of the type's own goes before.
pub trait EvcxrFallback {
    /// Does nothing.
    fn evcxr_display(&self) -> NoEvcxr {
        NoEvcxr
    }
}

impl<T: ?Sized> EvcxrFallback for T {}

/// The value behind a reference to a reference, so that `&x` and `&&x` look like `x`.
pub trait Peel<'a> {
    /// What the reference leads to.
    type Inner: ?Sized;
    /// Takes one reference away.
    fn peel(&self) -> &'a Self::Inner;
}

/// Holds a reference for [`Peel`].
pub struct Layer<'a, T: ?Sized>(pub &'a T);

impl<'a, U: ?Sized> Peel<'a> for &Layer<'a, &'a U> {
    type Inner = U;
    fn peel(&self) -> &'a U {
        self.0
    }
}

impl<'a, T: ?Sized> Peel<'a> for Layer<'a, T> {
    type Inner = T;
    fn peel(&self) -> &'a T {
        self.0
    }
}

/// First choice: the type says how it looks.
pub trait ViaShow {
    /// Shows the value.
    fn show_tail(&self);
}

impl<T: Show + ?Sized, R> ViaShow for &&&&Tail<'_, T, R> {
    fn show_tail(&self) {
        send(self.value.show());
    }
}

/// Second: a type written for evcxr, which prints its content between markers.
pub trait ViaEvcxr {
    /// Shows the value.
    fn show_tail(&self);
}

impl<T: ?Sized> ViaEvcxr for &&&Tail<'_, T, ()> {
    fn show_tail(&self) {
        (self.evcxr)();
    }
}

/// Third: a model, which `Debug` would print with all its weights.
pub trait ViaModel {
    /// Shows the value.
    fn show_tail(&self);
}

impl<T: TensorCollection<f32, Dev>, R> ViaModel for &&Tail<'_, T, R> {
    fn show_tail(&self) {
        send(nn::summary(self.value).show());
    }
}

/// Fourth: anything that can be debugged.
pub trait ViaDebug {
    /// Shows the value.
    fn show_tail(&self);
}

impl<T: Debug + ?Sized, R> ViaDebug for &Tail<'_, T, R> {
    fn show_tail(&self) {
        send(debug::bundle(&self.value));
    }
}

/// Last: a type that can't be shown, and what to do about it.
pub trait ViaName {
    /// Shows the value.
    fn show_tail(&self);
}

impl<T: ?Sized, R> ViaName for Tail<'_, T, R> {
    fn show_tail(&self) {
        send(named(std::any::type_name::<T>()));
    }
}

/// Hands the value of a cell's last expression to the notebook; prints it where there is none.
fn send(bundle: MimeBundle) {
    if bundle.is_empty() {
        return;
    }
    if host::attached() {
        host::result(bundle.into_map());
    } else if let Some(text) = bundle.plain() {
        println!("{text}");
    }
}

fn named(type_name: &str) -> MimeBundle {
    if type_name.ends_with("{{closure}}") {
        return MimeBundle::new().with_text("a closure");
    }
    let name = without_paths(type_name);
    MimeBundle::new()
        .with_text(format!("a value of type {name} (it has no Debug: put #[derive(Debug)] on the type to see it)"))
}

/// `cell_1::Model<alloc::string::String>` as `Model<String>`.
fn without_paths(type_name: &str) -> String {
    let mut out = String::new();
    let mut word = 0;
    for c in type_name.chars() {
        out.push(c);
        if out.ends_with("::") {
            out.truncate(word);
        } else if !(c.is_alphanumeric() || c == '_' || c == ':') {
            word = out.len();
        }
    }
    out
}

/// Shows the value of an expression without moving it: by [`Show`](crate::display::Show), by a method
/// `evcxr_display`, by `Debug`, or else by the name of its type. `()` shows nothing.
#[macro_export]
macro_rules! show_tail {
    ($value:expr) => {
        match &($value) {
            value => {
                #[allow(unused_imports)]
                use $crate::display::tail::{
                    EvcxrFallback as _, Peel as _, ViaDebug as _, ViaEvcxr as _, ViaModel as _, ViaName as _,
                    ViaShow as _,
                };
                let value = (&&$crate::display::tail::Layer(value)).peel();
                let value = (&&$crate::display::tail::Layer(value)).peel();
                (&&&&&$crate::display::tail::Tail { value, evcxr: &|| value.evcxr_display() }).show_tail()
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::without_paths;

    #[test]
    fn types_are_named_as_they_are_written() {
        let name = "cell_0a1b::Pair<alloc::string::String, &[core::option::Option<u8>; 3]>";
        assert_eq!(without_paths(name), "Pair<String, &[Option<u8>; 3]>");
    }
}

//! What an error says, whatever a person's `Display` and `source` do.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::panics;

/// So many causes are told.
const MOST: usize = 32;

/// The message of each error in the chain, outermost first.
pub(super) fn chain(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut chain = Vec::new();
    let mut seen = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let (address, message) = (std::ptr::from_ref(error), message(error));
        // Errors without a size may share an address, so what they say counts as well.
        if seen.iter().any(|(other, said)| std::ptr::addr_eq(*other, address) && *said == message) {
            chain.push("one of the errors above: its `source` leads back to it".to_owned());
            break;
        }
        if chain.len() == MOST {
            chain.push("and so on: there are more causes than can be told".to_owned());
            break;
        }
        seen.push((address, message.clone()));
        chain.push(message);
        next = catch_unwind(AssertUnwindSafe(|| error.source())).unwrap_or_else(|payload| {
            let why = panics::message(&*payload);
            std::mem::forget(payload);
            chain.push(format!("unknown, since `source` panicked: {why}"));
            None
        });
    }
    chain
}

fn message(error: &(dyn Error + 'static)) -> String {
    catch_unwind(AssertUnwindSafe(|| error.to_string())).unwrap_or_else(|payload| {
        let why = panics::message(&*payload);
        std::mem::forget(payload);
        let shown = catch_unwind(AssertUnwindSafe(|| format!("{error:?}")));
        match shown {
            Ok(shown) => format!("{shown} (its `Display` panicked: {why})"),
            Err(payload) => {
                std::mem::forget(payload);
                format!("an error whose `Display` panicked: {why}")
            }
        }
    })
}

/// Whether the error is one that says that the wait for something was interrupted.
pub(super) fn is_interrupted(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::Interrupted)
}

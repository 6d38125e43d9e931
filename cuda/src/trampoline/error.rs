//! The words of an error: those of the failure that this thread had last, where its number fits. dfdx's errors keep
//! no more than the number, and ask for the words when they are shown.

use std::collections::VecDeque;
use std::ffi::{CString, c_char};

use parking_lot::Mutex;

use crate::code::{INVALID_VALUE, SUCCESS, meaning, name};
use crate::gpu::last_failure;

/// Texts handed out, which callers look at without owning them. They do so at once, so that the last ones are enough.
static TEXTS: Mutex<VecDeque<CString>> = Mutex::new(VecDeque::new());
const KEPT: usize = 256;

pub unsafe extern "C" fn error_name(code: i32, text: *mut *const c_char) -> i32 {
    // SAFETY: the caller's pointer.
    unsafe { hand_out(text, name(code).to_owned()) }
}

pub unsafe extern "C" fn error_string(code: i32, text: *mut *const c_char) -> i32 {
    let last = last_failure().filter(|failure| crate::code::known(failure.code) == code);
    let words =
        last.map_or_else(|| meaning(code).to_owned(), |failure| format!("{}: {}", failure.call, failure.reason));
    // SAFETY: the caller's pointer.
    unsafe { hand_out(text, words) }
}

/// # Safety
/// `text` is null or may be written to.
unsafe fn hand_out(text: *mut *const c_char, words: String) -> i32 {
    let Ok(words) = CString::new(words.replace('\0', " ")) else { return INVALID_VALUE };
    if text.is_null() {
        return INVALID_VALUE;
    }
    // SAFETY: not null, and the caller says that it may be written to. The text stays where it is when its owner moves.
    unsafe { text.write(words.as_ptr()) };
    let mut texts = TEXTS.lock();
    if texts.len() == KEPT {
        texts.pop_front();
    }
    texts.push_back(words);
    SUCCESS
}

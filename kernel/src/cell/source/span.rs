//! Where a piece of syntax stands in the text.

use std::ops::Range;

use quote::ToTokens;

/// The bytes of `node` in the text it was parsed from.
pub(crate) fn range(node: &impl ToTokens) -> Option<Range<usize>> {
    let mut tokens = node.to_token_stream().into_iter();
    let first = tokens.next()?;
    let start = first.span().byte_range().start;
    let end = tokens.last().unwrap_or(first).span().byte_range().end;
    Some(start..end)
}

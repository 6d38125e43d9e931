//! Text made safe inside HTML and SVG.

/// Replaces the characters that mean something to HTML, in text and in quoted attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn markup_becomes_text() {
        assert_eq!(escape("<b a=\"1\">&'x'"), "&lt;b a=&quot;1&quot;&gt;&amp;&#39;x&#39;");
        assert_eq!(escape("größer"), "größer");
    }
}

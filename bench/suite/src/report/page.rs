//! A page with sections that are made: each stands between two marks.

use std::io;

/// The page.
pub struct Page(String);

impl Page {
    pub fn new(text: String) -> Self {
        Self(text)
    }

    pub fn text(&self) -> &str {
        &self.0
    }

    /// Puts `text` between the marks of a section.
    pub fn put(&mut self, section: &str, text: &str) -> io::Result<()> {
        let (begin, end) = (format!("<!-- begin {section} -->\n"), format!("<!-- end {section} -->"));
        let missing = || io::Error::other(format!("the page has no marks of a section `{section}`"));
        let from = self.0.find(&begin).ok_or_else(missing)? + begin.len();
        let to = from + self.0[from..].find(&end).ok_or_else(missing)?;
        self.0.replace_range(from..to, &format!("\n{}\n", text.trim_start_matches('\n')));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_replaced_and_the_rest_stays() {
        let mut page = Page::new("a\n<!-- begin x -->\nold\n<!-- end x -->\nb\n".to_owned());
        for _ in 0..2 {
            page.put("x", "new\n").unwrap();
            assert_eq!(page.text(), "a\n<!-- begin x -->\n\nnew\n\n<!-- end x -->\nb\n");
        }
        assert!(page.put("y", "").is_err());
    }
}

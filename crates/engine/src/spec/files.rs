//! The files of one spec, side by side: each has its own range of positions.
//!
//! A span is a range of bytes in the row of all files, the spec first, then each file that was included. So a node keeps
//! its place wherever it is copied to, whichever file it came from.

use std::ops::Range;

use miette::{MietteError, MietteSpanContents, NamedSource, SourceCode, SourceSpan, SpanContents};

use super::masking::overwrite;

/// The texts of a spec and of what it includes, with the values of secret fields masked.
#[derive(Debug, Default)]
pub struct Files(Vec<File>);

#[derive(Debug)]
struct File {
    source: NamedSource<String>,
    start: usize,
}

impl Files {
    /// Where the next file will start.
    pub(super) fn end(&self) -> usize {
        let end = |file: &File| file.start + file.source.inner().len() + 1;
        self.0.last().map_or(0, end)
    }

    /// Adds a file behind the others.
    pub(super) fn add(&mut self, name: &str, masked: String) {
        let start = self.end();
        let source = NamedSource::new(name, masked).with_language("yaml");
        self.0.push(File { source, start });
    }

    /// Masks a value in the file in which it stands.
    pub(super) fn mask(&mut self, span: &Range<usize>) {
        let Some(file) = self
            .0
            .iter_mut()
            .rev()
            .find(|file| file.start <= span.start)
        else {
            return;
        };
        let within = span.start - file.start..span.end - file.start;
        let name = file.source.name().to_owned();
        let masked = overwrite(file.source.inner(), [within]);
        file.source = NamedSource::new(name, masked).with_language("yaml");
    }

    /// The name of the spec itself.
    pub fn name(&self) -> &str {
        self.0.first().map_or("", |file| file.source.name())
    }

    /// Where a span begins, as `line:column`, from 1; with the file in front where it isn't the spec itself.
    pub fn place(&self, span: &Range<usize>) -> String {
        let Some(file) = self.file_at(span.start) else {
            return "1:1".to_owned();
        };
        let text = file.source.inner();
        let before = text.get(..span.start - file.start).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        match file.start {
            0 => format!("{line}:{column}"),
            _ => format!("{}:{line}:{column}", file.source.name()),
        }
    }

    fn file_at(&self, position: usize) -> Option<&File> {
        self.0.iter().rev().find(|file| file.start <= position)
    }
}

impl SourceCode for Files {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let file = self
            .file_at(span.offset())
            .ok_or(MietteError::OutOfBounds)?;
        let within = SourceSpan::from((span.offset() - file.start, span.len()));
        let read = file
            .source
            .inner()
            .read_span(&within, lines_before, lines_after)?;
        let moved = SourceSpan::from((read.span().offset() + file.start, read.span().len()));
        let contents = MietteSpanContents::new_named(
            file.source.name().to_owned(),
            read.data(),
            moved,
            read.line(),
            read.column(),
            read.line_count(),
        );
        Ok(Box::new(contents.with_language("yaml")))
    }
}

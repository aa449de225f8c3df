//! A pull parser for JSON text: the caller asks for the next key or value, and says how it wants it.
//!
//! Nothing is built on the way. Strings without escapes and the digits of numbers are handed out where they lie; a
//! caller that knows which key comes next passes over it in one comparison ([`Reader::at_member`]).
//!
//! **Invariant:** what is passed over is checked as strictly as what is read: RFC 8259, with at most as many open
//! containers as the caller allows.

mod number;
mod string;
#[cfg(test)]
mod tests;

/// What is wrong with JSON text, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JsonError {
    /// Offset in bytes.
    pub(crate) index: usize,
    pub(crate) problem: Problem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// Breaks the grammar, as the text says.
    Malformed(&'static str),
    /// More open containers than the caller allows.
    TooDeep,
}

pub(crate) type JsonResult<T = ()> = Result<T, JsonError>;

/// What kind of value comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peek {
    Null,
    True,
    False,
    /// Or a byte that no value begins with: reading it as a number tells of that.
    Number,
    String,
    Array,
    Object,
}

impl Peek {
    #[inline]
    fn of(byte: u8) -> Self {
        match byte {
            b'"' => Self::String,
            b'{' => Self::Object,
            b'[' => Self::Array,
            b'n' => Self::Null,
            b't' => Self::True,
            b'f' => Self::False,
            _ => Self::Number,
        }
    }
}

/// Reads JSON text from its beginning.
#[derive(Debug)]
pub struct Reader<'j> {
    text: &'j str,
    index: usize,
    /// The last string that had escapes.
    unescaped: String,
    /// What follows the text is no UTF-8.
    cut: bool,
}

impl<'j> Reader<'j> {
    pub(crate) fn new(text: &'j str) -> Self {
        Self::with_buffer(text, String::new())
    }

    /// Reads bytes. Where they are no UTF-8, the text ends, and an error says so.
    pub(crate) fn of_bytes(bytes: &'j [u8]) -> Self {
        match simdutf8::compat::from_utf8(bytes) {
            Ok(text) => Self::new(text),
            Err(error) => {
                let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
                Self {
                    cut: true,
                    ..Self::new(std::str::from_utf8(valid).unwrap_or_default())
                }
            }
        }
    }

    /// Puts strings with escapes into `buffer`; [`into_buffer`](Self::into_buffer) gives it back.
    pub(crate) fn with_buffer(text: &'j str, buffer: String) -> Self {
        Self {
            text,
            index: 0,
            unescaped: buffer,
            cut: false,
        }
    }

    pub(crate) fn into_buffer(self) -> String {
        self.unescaped
    }

    /// Another reader of the same text at the same place, which puts strings with escapes into `buffer`.
    pub(crate) fn fork(&self, buffer: String) -> Self {
        Self {
            unescaped: buffer,
            ..*self
        }
    }

    /// Goes on at a place that another reader of the same text has reached.
    pub(crate) fn go_on_at(&mut self, index: usize) {
        self.index = index;
    }

    /// The whole text.
    pub(crate) fn text(&self) -> &'j str {
        self.text
    }

    /// Where the reader stands, in bytes: at the value, once it was peeked at.
    #[inline]
    pub(crate) fn current_index(&self) -> usize {
        self.index
    }

    /// What comes next.
    #[inline]
    pub(crate) fn peek(&mut self) -> JsonResult<Peek> {
        match self.next_byte() {
            Some(byte) => Ok(Peek::of(byte)),
            None => Err(self.ended("EOF while parsing a value")),
        }
    }

    /// Checks that nothing follows but white space.
    pub(crate) fn finish(&mut self) -> JsonResult {
        match self.next_byte() {
            None if self.cut => Err(self.ended("")),
            None => Ok(()),
            Some(_) => Err(self.malformed("trailing characters")),
        }
    }

    /// Reads the `null` that was peeked at.
    pub(crate) fn known_null(&mut self) -> JsonResult {
        self.word(b"null")
    }

    /// Reads the `true` or `false` that was peeked at.
    pub(crate) fn known_bool(&mut self, peek: Peek) -> JsonResult<bool> {
        if peek == Peek::True {
            self.word(b"true")?;
            return Ok(true);
        }
        self.word(b"false")?;
        Ok(false)
    }

    /// Reads the string that was peeked at.
    #[inline]
    pub(crate) fn known_str(&mut self) -> JsonResult<&str> {
        let start = self.index + 1;
        let end = string::plain_end(self.text.as_bytes(), start);
        if self.text.as_bytes().get(end) == Some(&b'"') {
            self.index = end + 1;
            return Ok(self.text.get(start..end).unwrap_or_default());
        }
        self.escaped_str(start, end)
    }

    /// Enters the list that was peeked at: its first element, or `None` and behind it.
    #[inline]
    pub(crate) fn known_array(&mut self) -> JsonResult<Option<Peek>> {
        self.index += 1;
        match self.next_byte() {
            Some(b']') => {
                self.index += 1;
                Ok(None)
            }
            Some(byte) => Ok(Some(Peek::of(byte))),
            None => Err(self.ended("EOF while parsing a list")),
        }
    }

    /// The next element, or `None` and behind the list.
    #[inline]
    pub(crate) fn array_step(&mut self) -> JsonResult<Option<Peek>> {
        match self.next_byte() {
            Some(b',') => {
                self.index += 1;
                match self.next_byte() {
                    Some(b']') => Err(self.malformed("trailing comma")),
                    Some(byte) => Ok(Some(Peek::of(byte))),
                    None => Err(self.ended("EOF while parsing a value")),
                }
            }
            Some(b']') => {
                self.index += 1;
                Ok(None)
            }
            Some(_) => Err(self.malformed("expected `,` or `]`")),
            None => Err(self.ended("EOF while parsing a list")),
        }
    }

    /// Enters the object that was peeked at: its first key, or `None` and behind it.
    pub(crate) fn known_object(&mut self) -> JsonResult<Option<&str>> {
        if self.enter_object()? {
            return self.key().map(Some);
        }
        Ok(None)
    }

    /// The next key, or `None` and behind the object.
    pub(crate) fn next_key(&mut self) -> JsonResult<Option<&str>> {
        if self.step_object()? {
            return self.key().map(Some);
        }
        Ok(None)
    }

    /// Passes over the start of the next member of an object, with everything up to its value, if its key is spelled
    /// `quoted`: with its quotation marks. `separator` is `{` for the first member and `,` for another.
    ///
    /// If not, the reader stays where it is: the member is read as any other.
    #[inline]
    pub(crate) fn at_member(&mut self, separator: u8, quoted: &str) -> bool {
        let start = self.index;
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        // Most servers write no white space.
        if let Some((first, behind)) = rest.split_first()
            && *first == separator
            && string::begins_with(behind, quoted.as_bytes())
            && behind.get(quoted.len()) == Some(&b':')
        {
            self.index += quoted.len() + 2;
            return true;
        }
        if self.next_byte() == Some(separator) {
            self.index += 1;
            self.next_byte();
            let rest = self.text.as_bytes().get(self.index..).unwrap_or_default();
            if string::begins_with(rest, quoted.as_bytes()) {
                self.index += quoted.len();
                if self.next_byte() == Some(b':') {
                    self.index += 1;
                    return true;
                }
            }
        }
        self.index = start;
        false
    }

    /// Passes over the value that was peeked at, within which `levels` containers may be open at once. It needs no
    /// recursion; one bit for each open container says whether it is an object.
    pub(crate) fn skip(&mut self, first: Peek, levels: usize) -> JsonResult {
        let levels = levels.min(128);
        let mut objects: u128 = 0;
        let mut open = 0;
        let mut peek = first;
        loop {
            match peek {
                Peek::Array | Peek::Object => {
                    if open == levels {
                        return Err(JsonError {
                            index: self.index,
                            problem: Problem::TooDeep,
                        });
                    }
                    open += 1;
                    objects <<= 1;
                    if peek == Peek::Array {
                        if let Some(next) = self.known_array()? {
                            peek = next;
                            continue;
                        }
                    } else if self.enter_object()? {
                        objects |= 1;
                        self.skip_key()?;
                        peek = self.peek()?;
                        continue;
                    }
                    open -= 1;
                    objects >>= 1;
                }
                Peek::String => self.skip_str()?,
                Peek::Number => self.skip_number()?,
                Peek::Null => self.known_null()?,
                Peek::True | Peek::False => {
                    self.known_bool(peek)?;
                }
            }
            loop {
                if open == 0 {
                    return Ok(());
                }
                if objects & 1 == 1 {
                    if self.step_object()? {
                        self.skip_key()?;
                        peek = self.peek()?;
                        break;
                    }
                } else if let Some(next) = self.array_step()? {
                    peek = next;
                    break;
                }
                open -= 1;
                objects >>= 1;
            }
        }
    }

    /// Whether a key follows; else the reader is behind the object.
    #[inline]
    fn enter_object(&mut self) -> JsonResult<bool> {
        self.index += 1;
        match self.next_byte() {
            Some(b'"') => Ok(true),
            Some(b'}') => {
                self.index += 1;
                Ok(false)
            }
            Some(_) => Err(self.malformed("key must be a string")),
            None => Err(self.ended("EOF while parsing an object")),
        }
    }

    /// Whether a key follows; else the reader is behind the object.
    #[inline]
    fn step_object(&mut self) -> JsonResult<bool> {
        match self.next_byte() {
            Some(b',') => {
                self.index += 1;
                match self.next_byte() {
                    Some(b'"') => Ok(true),
                    Some(b'}') => Err(self.malformed("trailing comma")),
                    Some(_) => Err(self.malformed("key must be a string")),
                    None => Err(self.ended("EOF while parsing a value")),
                }
            }
            Some(b'}') => {
                self.index += 1;
                Ok(false)
            }
            Some(_) => Err(self.malformed("expected `,` or `}`")),
            None => Err(self.ended("EOF while parsing an object")),
        }
    }

    fn key(&mut self) -> JsonResult<&str> {
        let start = self.index + 1;
        let end = string::plain_end(self.text.as_bytes(), start);
        if self.text.as_bytes().get(end) == Some(&b'"') {
            self.index = end + 1;
            self.colon()?;
            return Ok(self.text.get(start..end).unwrap_or_default());
        }
        self.escaped_str(start, end)?;
        self.colon()?;
        Ok(&self.unescaped)
    }

    fn skip_key(&mut self) -> JsonResult {
        self.skip_str()?;
        self.colon()
    }

    #[inline]
    fn colon(&mut self) -> JsonResult {
        match self.next_byte() {
            Some(b':') => {
                self.index += 1;
                Ok(())
            }
            Some(_) => Err(self.malformed("expected `:`")),
            None => Err(self.ended("EOF while parsing an object")),
        }
    }

    #[inline]
    fn skip_str(&mut self) -> JsonResult {
        let start = self.index + 1;
        let end = string::plain_end(self.text.as_bytes(), start);
        if self.text.as_bytes().get(end) == Some(&b'"') {
            self.index = end + 1;
            return Ok(());
        }
        self.escaped_str(start, end).map(drop)
    }

    /// Reads a string that is not plain: `end` is where its first escape or fault is.
    #[cold]
    fn escaped_str(&mut self, start: usize, end: usize) -> JsonResult<&str> {
        let behind = string::unescape(self.text, start, end, &mut self.unescaped);
        self.index = behind.map_err(|error| {
            if error.index >= self.text.len() {
                self.index = self.text.len();
                return self.ended("EOF while parsing a string");
            }
            error
        })?;
        Ok(&self.unescaped)
    }

    #[inline]
    fn word<const LENGTH: usize>(&mut self, word: &[u8; LENGTH]) -> JsonResult {
        let rest = self.text.as_bytes().get(self.index..).unwrap_or_default();
        if rest.first_chunk() == Some(word) {
            self.index += LENGTH;
            return Ok(());
        }
        let same = word.iter().zip(rest).take_while(|(a, b)| a == b).count();
        self.index += same;
        Err(if same == rest.len() {
            self.ended("EOF while parsing a value")
        } else {
            self.malformed("expected ident")
        })
    }

    /// The next byte that is no white space; the reader stands there.
    #[inline]
    fn next_byte(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        loop {
            let byte = *bytes.get(self.index)?;
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.index += 1;
        }
    }

    #[cold]
    fn malformed(&self, text: &'static str) -> JsonError {
        JsonError {
            index: self.index,
            problem: Problem::Malformed(text),
        }
    }

    /// The error of a text that ends too early.
    #[cold]
    fn ended(&self, text: &'static str) -> JsonError {
        self.malformed(if self.cut {
            "invalid unicode code point"
        } else {
            text
        })
    }
}

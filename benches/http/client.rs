//! One connection that is kept, for what `wrk` can't tell: a single answer, and the time of each.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use crate::server::Result;

/// A connection.
pub(crate) struct Client(BufReader<TcpStream>);

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(url: &str) -> Result<Self> {
        let stream = TcpStream::connect(url.trim_start_matches("http://"))?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends a request, and waits for its answer; any but a 200 is an error.
    pub(crate) fn ask(&mut self, request: &str) -> Result<Answer> {
        self.0.get_mut().write_all(request.as_bytes())?;
        let status = self.line()?;
        let mut answer = Answer {
            headers: Vec::new(),
            body: Vec::new(),
        };
        while let Some((name, value)) = self.line()?.split_once(": ") {
            if name.eq_ignore_ascii_case("content-length") {
                answer.body = vec![0; value.parse()?];
            }
            answer.headers.push((name.to_owned(), value.to_owned()));
        }
        self.0.read_exact(&mut answer.body)?;
        if status.split_whitespace().nth(1) != Some("200") {
            let body = String::from_utf8_lossy(&answer.body);
            return Err(format!("{request}\n{status}\n{body}").into());
        }
        Ok(answer)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}

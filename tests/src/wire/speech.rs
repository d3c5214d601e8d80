//! The two protocols, as far as a listener must know them to tell which statements are run.

use std::collections::HashMap;

use dialects::Dialect;

/// One connection as heard from outside.
pub(super) struct Speech {
    dialect: Dialect,
    heard: Vec<u8>,
    /// PostgreSQL: the first message has no letter.
    greeted: bool,
    /// Prepared statements by name (PostgreSQL) or number (MySQL).
    prepared: HashMap<Vec<u8>, String>,
    /// MySQL: the statement whose number the server is about to tell.
    preparing: Option<String>,
}

impl Speech {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self { dialect, heard: Vec::new(), greeted: false, prepared: HashMap::new(), preparing: None }
    }

    /// The statements that the client has run now.
    pub(super) fn of_client(&mut self, bytes: &[u8]) -> Vec<String> {
        self.heard.extend(bytes);
        let mut run = Vec::new();
        while let Some(message) = self.message() {
            run.extend(match self.dialect {
                Dialect::Postgres => self.postgres(&message),
                _ => self.mysql(&message),
            });
        }
        run
    }

    /// MySQL's server tells the number of a statement that it has prepared.
    pub(super) fn of_server(&mut self, bytes: &[u8]) {
        if let (Some(text), Some([0, number @ ..])) = (self.preparing.take(), bytes.get(4..9)) {
            self.prepared.insert(number.to_vec(), text);
        }
    }

    /// The next whole message, with its head.
    fn message(&mut self) -> Option<Vec<u8>> {
        let head = self.heard.get(..5)?;
        let length = match self.dialect {
            Dialect::Postgres if self.greeted => {
                1 + u32::from_be_bytes(head[1..5].try_into().unwrap()) as usize
            }
            Dialect::Postgres => u32::from_be_bytes(head[..4].try_into().unwrap()) as usize,
            _ => 4 + u32::from_le_bytes([head[0], head[1], head[2], 0]) as usize,
        };
        (self.heard.len() >= length).then(|| self.heard.drain(..length).collect())
    }

    /// <https://www.postgresql.org/docs/current/protocol-message-formats.html>: Parse names a text, Bind runs it, Query is both.
    fn postgres(&mut self, message: &[u8]) -> Option<String> {
        if !std::mem::replace(&mut self.greeted, true) {
            return None;
        }
        let mut words = message[5..].split(|byte| *byte == 0).map(<[u8]>::to_vec);
        match message[0] {
            b'P' => {
                let (name, text) = (words.next()?, words.next()?);
                self.prepared.insert(name, String::from_utf8_lossy(&text).into());
                None
            }
            b'B' => self.prepared.get(&words.nth(1)?).cloned(),
            b'Q' => Some(String::from_utf8_lossy(&words.next()?).into()),
            _ => None,
        }
    }

    /// <https://mariadb.com/kb/en/2-text-protocol/>: a command begins a sequence, whose number stands before it.
    fn mysql(&mut self, message: &[u8]) -> Option<String> {
        let (0, command) = (message[3], *message.get(4)?) else { return None };
        match command {
            0x03 => Some(String::from_utf8_lossy(&message[5..]).into()),
            0x16 => {
                self.preparing = Some(String::from_utf8_lossy(&message[5..]).into());
                None
            }
            0x17 => self.prepared.get(message.get(5..9)?).cloned(),
            _ => None,
        }
    }
}

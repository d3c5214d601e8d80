//! `rulegate healthcheck`: for containers without curl.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{Failure, announce};
use crate::config::{Given, admin_listen};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Ask a running server whether it is ready: exit code 0 if it is, else 1.
#[derive(Debug, Args)]
pub(super) struct HealthcheckArgs {
    /// Folder with rulegate.yaml [default: the working directory]
    #[arg(long, value_name = "DIR", env = "RULEGATE_PROJECT", hide_env_values = true)]
    project: Option<PathBuf>,
    /// Where its health and metrics listen [default: 127.0.0.1:9090]
    #[arg(long, value_name = "ADDR", env = "RULEGATE_ADMIN_LISTEN", hide_env_values = true)]
    admin_listen: Option<String>,
}

pub(super) fn run(args: HealthcheckArgs) -> Result<(), Failure> {
    let given = Given { project: args.project, admin_listen: args.admin_listen, ..Given::default() };
    let address = admin_listen(&given)?;
    match ask(&address).map_err(|error| Failure::problems(format!("{address}: {error}")))? {
        (200, words) => {
            outln!("{words}");
            Ok(())
        }
        (_, words) => Err(Failure::problems(words)),
    }
}

/// The status and the body of `/readyz`.
fn ask(address: &str) -> std::io::Result<(u16, String)> {
    let place = address.to_socket_addrs()?.next();
    let place = announce::shown(place.ok_or_else(|| std::io::Error::other("no such address"))?);
    let mut stream = TcpStream::connect_timeout(&place, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    write!(stream, "GET /readyz HTTP/1.1\r\nHost: {place}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(64 * 1024).read_to_string(&mut answer)?;
    parse(&answer).ok_or_else(|| std::io::Error::other("the answer is not HTTP"))
}

fn parse(answer: &str) -> Option<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some((status, body.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_its_status_and_its_words() {
        let answer = "HTTP/1.1 503 Service Unavailable\r\nA: b\r\n\r\nstopping\n";
        assert_eq!(parse(answer), Some((503, "stopping".into())));
        assert_eq!(parse("nonsense"), None);
    }
}

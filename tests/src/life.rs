//! The product as a process of its own, as operators run it: started, asked under load, told to stop, limited.

pub mod caller;
pub mod folder;
pub mod load;
pub mod process;

use std::net::{Ipv4Addr, SocketAddr};

/// An address of this machine that nobody else has: the port is none that the system hands out.
pub fn address() -> SocketAddr {
    let ip = Ipv4Addr::new(127, fastrand::u8(1..), fastrand::u8(1..), fastrand::u8(1..255));
    (ip, fastrand::u16(10_000..30_000)).into()
}

/// Whether the long settings are asked for.
pub fn soak() -> bool {
    std::env::var_os("RULEGATE_SOAK").is_some()
}

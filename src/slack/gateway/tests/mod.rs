//! Laws of the gateway: its two pure machines, and sockets against a server inside the test.

mod machine;
mod sockets;
mod storm;

//! STOMP 1.2: frames, a connection to a broker, and the sink that sends messages through it.

pub mod connection;
pub mod frame;
pub mod sink;

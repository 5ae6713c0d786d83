//! A storage that is away for a while: a port that hangs up, until it is told to pass bytes on.

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A port in front of a server. Its thread ends with the test's process.
#[derive(Debug)]
pub struct Flaky {
    port: u16,
    open: Arc<AtomicBool>,
}

impl Flaky {
    /// In front of a port of this machine; away at first.
    pub fn before(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener
            .local_addr()
            .expect("a bound socket has an address")
            .port();
        let open = Arc::new(AtomicBool::new(false));
        let is_open = open.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if is_open.load(Ordering::SeqCst) {
                    let server =
                        TcpStream::connect(("127.0.0.1", server)).expect("the server runs");
                    join(&client, &server);
                    join(&server, &client);
                }
                // Otherwise dropping it hangs up.
            }
        });
        Self { port, open }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on it is there.
    pub fn come_back(&self) {
        self.open.store(true, Ordering::SeqCst);
    }
}

fn join(from: &TcpStream, to: &TcpStream) {
    let mut from = from.try_clone().expect("a socket can be shared");
    let mut to = to.try_clone().expect("a socket can be shared");
    std::thread::spawn(move || {
        // Either side may hang up at any time; the other one shall learn of it.
        drop(io::copy(&mut from, &mut to));
        drop(to.shutdown(Shutdown::Both));
    });
}

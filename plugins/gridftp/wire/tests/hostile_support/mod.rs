//! A server whose sessions are scripts.
#![allow(dead_code)] // each test file uses its own part

use std::net::SocketAddr;
use std::time::Duration;

use causeway_gridftp_wire::Endpoint;
use causeway_gridftp_wire::data::address;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::data_support::HERE;

/// The double's end of a session.
pub(crate) struct Double {
    pub(crate) control: BufReader<TcpStream>,
    /// Where the client listens, or this side does.
    active: Option<SocketAddr>,
    passive: Option<TcpListener>,
}

impl Double {
    pub(crate) async fn say(&mut self, text: &str) {
        // The client may have left already: that is what is tested.
        drop(self.control.get_mut().write_all(text.as_bytes()).await);
    }

    /// Says this again and again, for ever.
    pub(crate) async fn repeat(&mut self, text: &str, pause: Duration) -> ! {
        loop {
            self.say(text).await;
            tokio::time::sleep(pause).await;
        }
    }

    /// Logs anybody in and prepares transfers, up to the command that starts one. False at the end.
    pub(crate) async fn until_transfer(&mut self) -> bool {
        self.until(&["RETR", "STOR"]).await
    }

    /// The same up to one of these commands.
    pub(crate) async fn until(&mut self, verbs: &[&str]) -> bool {
        self.say("220 ready.\r\n").await;
        let mut line = String::new();
        loop {
            line.clear();
            if !matches!(self.control.read_line(&mut line).await, Ok(1..)) {
                return false;
            }
            let (verb, argument) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
            match verb {
                _ if verbs.contains(&verb) => return true,
                "USER" => self.say("331 Password required.\r\n").await,
                "PASS" => self.say("230 Logged in.\r\n").await,
                "FEAT" => self.say("211-Extensions\r\n ERET\r\n211 End.\r\n").await,
                "PORT" => {
                    self.active = Some(address::parse(argument, HERE).unwrap()[0]);
                    self.say("200 OK.\r\n").await;
                }
                "PASV" => {
                    let listener = TcpListener::bind((HERE, 0)).await.unwrap();
                    let told = address::port_argument(listener.local_addr().unwrap()).unwrap();
                    self.passive = Some(listener);
                    self.say(&format!("227 Here ({told})\r\n")).await;
                }
                _ => self.say("200 OK.\r\n").await,
            }
        }
    }

    pub(crate) async fn data(&mut self) -> TcpStream {
        match (self.active.take(), self.passive.take()) {
            (Some(to), _) => TcpStream::connect(to).await.unwrap(),
            (None, Some(listener)) => listener.accept().await.unwrap().0,
            (None, None) => panic!("no data connection was asked for"),
        }
    }
}

/// Runs a client against a double that runs a script for each session.
pub(crate) async fn against<T>(
    script: impl AsyncFn(&mut Double),
    client: impl AsyncFnOnce(Endpoint) -> T,
) -> T {
    let listener = TcpListener::bind((HERE, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = async {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let mut double = Double {
                control: BufReader::new(socket),
                active: None,
                passive: None,
            };
            script(&mut double).await;
            // Silence, until the client leaves.
            drop(double.control.read_line(&mut String::new()).await);
        }
    };
    tokio::select! {
        done = client(Endpoint::anonymous("127.0.0.1", port)) => done,
        () = serving => unreachable!("it serves for ever"),
    }
}

//! What the double does when a test says nothing else: a good server, with files in memory.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::double::Link;

impl Link {
    /// What a good server does.
    pub(super) async fn good(&mut self, command: &str) -> Option<()> {
        let (verb, path) = command.split_once(' ').unwrap_or((command, ""));
        let found = self.files.lock().unwrap().get(path).cloned();
        match verb {
            "" => self.say("220-Hello\r\n there\r\n220 ready").await,
            "USER" => self.say("331 who?").await,
            "PASS" => self.say("230 welcome").await,
            "FEAT" => {
                self.say("211-Features:\r\n MLST size*;type*;\r\n REST STREAM\r\n211 End")
                    .await
            }
            "EPSV" | "PASV" => {
                let listener = TcpListener::bind("127.0.0.1:0").await.ok()?;
                let port = listener.local_addr().ok()?.port();
                self.passive = Some(listener);
                let (high, low) = (port >> 8, port & 255);
                // An address that is not ours: nobody may be sent there.
                match verb {
                    "EPSV" => self.say(&format!("229 there (|||{port}|)")).await,
                    _ => {
                        self.say(&format!("227 there (192,0,2,1,{high},{low})"))
                            .await
                    }
                }
            }
            "MLST" if is_directory(path) => {
                self.say(&format!("250-\r\n type=dir; {path}\r\n250 end"))
                    .await
            }
            "MLST" => match found {
                Some(it) => {
                    let facts = format!("250-\r\n type=file;size={}; {path}\r\n250 end", it.len());
                    self.say(&facts).await
                }
                None => self.say("550 no such file").await,
            },
            "SIZE" => match found {
                Some(it) => self.say(&format!("213 {}", it.len())).await,
                None => self.say("550 no such file").await,
            },
            "MDTM" if found.is_some() => self.say("213 20260102030405").await,
            "CWD" if is_directory(path) => self.say("250 gone there").await,
            "REST" => {
                self.offset = path.parse().ok()?;
                self.say("350 from there").await
            }
            "RETR" => match found {
                Some(it) => {
                    self.say("150 here it comes").await?;
                    let offset = std::mem::take(&mut self.offset).min(it.len());
                    let sent = self.data().await?.write_all(&it[offset..]).await;
                    self.data = None;
                    let told = if sent.is_ok() {
                        "226 done"
                    } else {
                        "426 broken"
                    };
                    self.say(told).await
                }
                None => self.say("550 no such file").await,
            },
            "STOR" => self.store(path).await,
            "DELE" => {
                let gone = self.files.lock().unwrap().remove(path).is_some();
                self.say(if gone { "250 gone" } else { "550 no such file" })
                    .await
            }
            "RNFR" => {
                self.renamed = path.to_owned();
                self.say("350 to what?").await
            }
            "RNTO" => {
                self.rename(path)?;
                self.say("250 renamed").await
            }
            "MLSD" | "LIST" => {
                self.say("150 here it comes").await?;
                let names: Vec<String> = self.files.lock().unwrap().keys().cloned().collect();
                let form = |name: &String| format!("type=file;size=1; {}\r\n", &name[1..]);
                let text: String = names.iter().map(form).collect();
                // A client that has enough goes.
                let sent = self.data().await?.write_all(text.as_bytes()).await;
                self.data = None;
                let told = if sent.is_ok() {
                    "226 done"
                } else {
                    "426 broken"
                };
                self.say(told).await
            }
            "PWD" => self.say("257 \"/home/al\"\"ice\" is it").await,
            "TYPE" | "OPTS" | "NOOP" => self.say("200 fine").await,
            "QUIT" => self.say("221 bye").await,
            "CWD" | "MDTM" => self.say("550 no such file").await,
            _ => self.say("502 not known").await,
        }
    }

    pub(super) fn rename(&mut self, to: &str) -> Option<()> {
        let mut files = self.files.lock().unwrap();
        let moved = files.remove(&self.renamed)?;
        files.insert(to.to_owned(), moved);
        Some(())
    }

    async fn store(&mut self, path: &str) -> Option<()> {
        self.files
            .lock()
            .unwrap()
            .insert(path.to_owned(), Vec::new());
        self.say("150 go on").await?;
        let mut content = Vec::new();
        let taken = self.data().await?.read_to_end(&mut content).await;
        self.data = None;
        self.files.lock().unwrap().insert(path.to_owned(), content);
        let told = if taken.is_ok() {
            "226 stored"
        } else {
            "426 broken"
        };
        self.say(told).await
    }
}

fn is_directory(path: &str) -> bool {
    path == "/" || path.ends_with("dir")
}

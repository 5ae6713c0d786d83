//! Storages that do what their scheme and the URL say.

use std::sync::{Arc, Mutex};

use causeway_sdk::capability::CredentialKind;
use causeway_sdk::{
    Capabilities, Credential, Ctx, DirPage, DynStorage, Entry, Erased, Error, ErrorKind, Host,
    NoBody, Operation, Page, Result, Stat, Storage, Storages, Url,
};

/// A storage whose behaviour is in its scheme and in the URL.
struct Fake {
    scheme: &'static str,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    fn note(&self, cx: &Ctx, text: String) -> Result<()> {
        if self.scheme == "secure" {
            assert!(matches!(cx.credential(), Credential::X509(it) if it.expose() == "proxy"));
        }
        self.seen.lock().unwrap().push(text);
        Ok(())
    }

    async fn script(&self, at: &Url) -> Result<()> {
        if let Some(errno) = at.query_values("errno").next() {
            return Err(Error::from_errno(errno.parse().unwrap(), "scripted"));
        }
        if at.path() == "/slow" {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

impl Storage for Fake {
    type Read = NoBody;
    type Write = NoBody;

    fn create(_config: &str, _host: Host) -> Result<Self> {
        Err(Error::unsupported("create"))
    }
    fn describe(&self) -> Capabilities {
        let mut operations = [
            Operation::Stat,
            Operation::List,
            Operation::Mkdir,
            Operation::Rmdir,
            Operation::Unlink,
            Operation::Rename,
        ]
        .into();
        if self.scheme == "poor" {
            operations = [Operation::Read].into();
        }
        Capabilities {
            name: self.scheme.into(),
            schemes: vec![self.scheme.into()],
            operations,
            local: self.scheme == "local",
            credentials: match self.scheme {
                "secure" => vec![CredentialKind::X509, CredentialKind::None],
                "mock" => vec![CredentialKind::None, CredentialKind::X509],
                _ => vec![],
            },
            ..Capabilities::default()
        }
    }
    fn admit(&self, at: &Url) -> Result<()> {
        if self.scheme == "local" && !at.path().starts_with("/data/") {
            return Err(Error::new(
                ErrorKind::Invalid,
                "Can not transfer local files",
            ));
        }
        Ok(())
    }
    async fn stat(&self, cx: &Ctx, at: &Url) -> Result<Stat> {
        self.note(cx, format!("stat {}", at.as_str()))?;
        self.script(at).await?;
        Ok(Stat {
            mtime: Some(7),
            ..Stat::file(42)
        })
    }
    async fn list(&self, cx: &Ctx, at: &Url, page: Page) -> Result<DirPage> {
        self.note(cx, format!("list {} {:?}", at.as_str(), page.cursor))?;
        self.script(at).await?;
        let number: u32 = page.cursor.as_deref().unwrap_or("0").parse().unwrap();
        let last: u32 = at
            .query_values("pages")
            .next()
            .map_or(0, |it| it.parse().unwrap());
        if at.query_values("breaks").next().is_some() && number == 1 {
            return Err(Error::new(ErrorKind::Network, "gone"));
        }
        let mut entries = vec![Entry {
            name: format!("f\"{number}"),
            stat: Stat::file(1),
        }];
        if number == 0 {
            entries.push(Entry {
                name: "dir".into(),
                stat: Stat::directory(),
            });
        }
        if at.path() == "/empty" {
            entries.clear();
        }
        let repeats = at.query_values("repeats").next().is_some();
        let next = match repeats {
            true => Some("1".to_owned()),
            false => (number < last).then(|| (number + 1).to_string()),
        };
        Ok(DirPage { entries, next })
    }
    async fn mkdir(&self, cx: &Ctx, at: &Url, parents: bool) -> Result<()> {
        self.note(cx, format!("mkdir {} {parents}", at.as_str()))?;
        self.script(at).await
    }
    async fn rmdir(&self, cx: &Ctx, at: &Url) -> Result<()> {
        self.note(cx, format!("rmdir {}", at.as_str()))?;
        self.script(at).await
    }
    async fn unlink(&self, cx: &Ctx, at: &Url) -> Result<()> {
        self.note(cx, format!("unlink {}", at.as_str()))?;
        self.script(at).await
    }
    async fn rename(&self, cx: &Ctx, from: &Url, to: &Url, overwrite: bool) -> Result<()> {
        self.note(
            cx,
            format!("rename {} {} {overwrite}", from.as_str(), to.as_str()),
        )?;
        self.script(from).await
    }
}

/// Storages by scheme; the names are made up except those that tests of submission use.
#[derive(Default)]
pub(crate) struct FakeStorages {
    pub(crate) seen: Arc<Mutex<Vec<String>>>,
}

const SERVED: [&str; 4] = ["mock", "secure", "local", "poor"];

impl Storages for FakeStorages {
    fn storage_for(&self, url: &Url) -> Result<Arc<dyn DynStorage>> {
        match SERVED.iter().find(|it| **it == url.scheme()) {
            Some(scheme) => Ok(Erased::shared(Fake {
                scheme,
                seen: self.seen.clone(),
            })),
            None => {
                let text = format!("no plugin serves {}", url.scheme());
                Err(Error::new(ErrorKind::Unsupported, text).with_errno(93))
            }
        }
    }
}

//! After the very first start: what works is remembered, and a copy of it is kept.

use std::sync::Arc;

use causeway_engine::crew::PluginCard;

use super::deciding::Picture;
use super::{At, ForWorkers, Plugins};

impl Plugins {
    /// Remembers what works of what nobody had seen before. After the start, when workers have said so.
    pub async fn settle(&self) {
        let config = self.config.lock().await;
        let mut picture = Picture::clone(&self.picture.load());
        let mut works = self.list();
        works.retain(|it| it.capabilities.is_some());
        for (name, (version, folder)) in std::mem::take(&mut picture.untried) {
            let loaded =
                |it: &&PluginCard| it.name == name && it.sha256.as_ref() == Some(&version.sha256);
            if works.iter().find(loaded).is_none() {
                continue;
            }
            let (shelf, id) = (self.shelf.clone(), version.id.clone());
            let plugin = name.clone();
            let kept = tokio::task::spawn_blocking(move || shelf.keep(&plugin, &id, &folder));
            match kept.await {
                Ok(Ok(())) => {
                    let decided = self.shelf.decided(&name, &version);
                    picture.decided.insert(name.clone(), decided);
                    picture.book.plugins.entry(name).or_default().take(version);
                }
                Ok(Err(refusal)) => {
                    tracing::warn!(
                        plugin.name = name,
                        "no copy of the plugin: failed to {refusal}"
                    );
                }
                Err(error) => tracing::error!(%error, "no copy of a plugin"),
            }
        }
        let settled = self
            .remember(&picture)
            .and_then(|()| ForWorkers::text(&config, picture.decided()));
        match settled {
            Ok(text) => {
                if let At::Elsewhere(crew) = &self.at {
                    crew.instruct(text);
                }
                self.picture.store(Arc::new(picture));
            }
            Err(error) => {
                tracing::error!("versions of plugins are not remembered: failed to {error:#}")
            }
        }
    }
}

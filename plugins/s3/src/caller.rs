//! Who asks, and with what: the keys of one call, and what all calls share.

use std::collections::HashMap;
use std::sync::Arc;

use causeway_sdk::{Credential, Ctx, LogLevel, Result, Url as Surl};
use http::{HeaderMap, Method};
use object_store::aws::AwsCredential;
use parking_lot::Mutex;
use reqwest::Response;
use url::Url;

use crate::exchange::Answer;
use crate::place::Place;
use crate::reading::{Reading, amazon_host};
use crate::signer::{self, REGION};
use crate::storage::Inner;

/// Most buckets whose region is remembered.
const MAX_REGIONS: usize = 4096;

/// Regions of buckets, as servers told them.
#[derive(Default)]
pub(crate) struct Regions(Mutex<HashMap<String, String>>);

impl Regions {
    fn name(place: &Place) -> String {
        let host = if place.endpoint.is_amazon {
            ""
        } else {
            &place.endpoint.host
        };
        format!("{}@{host}", place.bucket)
    }

    fn of(&self, place: &Place) -> Option<String> {
        self.0.lock().get(&Self::name(place)).cloned()
    }

    fn learn(&self, place: &Place, region: &str) {
        let mut known = self.0.lock();
        if known.len() >= MAX_REGIONS {
            known.clear();
        }
        known.insert(Self::name(place), region.to_owned());
    }
}

/// One who asks. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) inner: Arc<Inner>,
    keys: Option<Arc<AwsCredential>>,
    region: Option<String>,
    path_style: bool,
}

impl Caller {
    /// The caller of a call.
    pub(crate) fn new(inner: &Arc<Inner>, cx: &Ctx) -> Result<Self> {
        Self::with(inner, cx, cx.credential())
    }

    /// Keys that came with the call, else the environment's, else nobody.
    fn with(inner: &Arc<Inner>, cx: &Ctx, credential: &Credential) -> Result<Self> {
        let (keys, region) = match signer::from_call(credential)? {
            Some((keys, region)) => (Some(keys), region),
            None => (inner.environment.keys.clone(), None),
        };
        Ok(Self {
            inner: Arc::clone(inner),
            keys,
            region,
            path_style: cx.option("path_style") == Some("true"),
        })
    }

    /// Understands a URL.
    pub(crate) fn place(&self, at: &Surl) -> Result<Place> {
        let reading = Reading {
            config: &self.inner.config,
            environment: &self.inner.environment,
            endpoint: self.inner.endpoint.as_ref(),
            path_style: self.path_style,
        };
        reading.place(at)
    }

    pub(crate) fn client(&self) -> Result<reqwest::Client> {
        self.inner.client.get()
    }

    /// The same place at the host of its region, where only the region names the host.
    pub(crate) fn at_home(&self, place: &Place) -> Place {
        let mut place = place.clone();
        if place.endpoint.is_amazon {
            place.endpoint.host = amazon_host(Some(&self.region_of(&place)));
        }
        place
    }

    /// Region to sign for.
    pub(crate) fn region_of(&self, place: &Place) -> String {
        let learnt = self.inner.regions.of(place);
        let region = learnt.or_else(|| self.region.clone());
        let region = region.or_else(|| place.endpoint.region.clone());
        region.unwrap_or_else(|| REGION.to_owned())
    }

    /// Takes a region over that a server told; false when it was signed for already.
    pub(crate) fn learn_region(&self, place: &Place, region: &str) -> bool {
        let is_name = |it: &str| it.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
        if region.is_empty() || !is_name(region) || self.region_of(place) == region {
            return false;
        }
        self.inner.regions.learn(place, region);
        true
    }

    /// Signs a request, if there are keys.
    pub(crate) fn sign(
        &self,
        place: &Place,
        method: &Method,
        url: &Url,
        headers: &mut HeaderMap,
    ) -> Result<()> {
        match &self.keys {
            Some(keys) => signer::sign(keys, &self.region_of(place), method, url, headers),
            None => Ok(()),
        }
    }

    /// Whose keys they are; nobody's without any.
    pub(crate) fn owner(&self) -> &str {
        self.keys.as_ref().map_or("", |it| it.key_id.as_str())
    }

    /// The keys, for signing URLs.
    pub(crate) fn keys(&self) -> Option<&AwsCredential> {
        self.keys.as_deref()
    }

    pub(crate) fn answer(&self, response: Response, place: Place) -> Answer {
        Answer::new(response, place, self.keys.is_some())
    }

    /// A line for the gateway's log.
    pub(crate) fn note(&self, text: &str) {
        self.inner.host.log(LogLevel::Info, text);
    }
}

//! Transfer URLs that one storage hands out so that the other one can fetch from it or send to it.
//!
//! Used when neither side reaches the other by its own scheme: the passive one is asked for a URL of
//! a scheme that the active one speaks. Such a URL may open the file for anybody: the SDK masks its
//! query in every error, and nothing here logs it. What was handed out is given back however the
//! copy ends.

use causeway_sdk::{Access, CopyRequest, Credential, Direction, Error, Outcome, TurlRequest};
use tokio::time::timeout;

use crate::attempt::{Attempt, Traces};
use crate::site::{Site, within};

impl Attempt<'_> {
    /// Puts a transfer URL of the passive side into a request, if the active side cannot reach it
    /// otherwise.
    pub(crate) async fn hand_out(
        &self,
        request: &mut CopyRequest,
        (active, passive): (&Site, &Site),
        traces: &mut Traces,
    ) -> Result<(), Error> {
        let (abilities, scheme) = (&active.abilities, passive.url.scheme());
        let (access, reached, schemes) = match request.direction {
            Direction::Pull => (
                Access::Read,
                abilities.can_pull_from(scheme),
                &abilities.copy.pull_from,
            ),
            Direction::Push => (
                Access::Write,
                abilities.can_push_to(scheme),
                &abilities.copy.push_to,
            ),
        };
        if reached {
            return Ok(());
        }
        let wanted = TurlRequest {
            access,
            schemes: schemes.clone(),
            size: request.size,
            overwrite: request.overwrite,
        };
        let asked = passive.storage.resolve(&passive.cx, &passive.url, wanted);
        let turl = within(passive.operation_limit, "resolve", asked).await?;
        match access {
            Access::Read => request.source = turl.url.clone(),
            Access::Write => {
                request.destination = turl.url.clone();
                // The side that hands it out has looked for what is there.
                request.overwrite = true;
            }
        }
        // The URL itself is the permission.
        request.peer_credential = Credential::None;
        let scheme = turl.url.scheme().to_owned();
        self.info(|| format!("The {:?} side hands out a URL of {scheme}:", passive.scope));
        traces.handed_out = Some(turl);
        Ok(())
    }

    /// Gives back what was handed out, after the copy is done.
    ///
    /// # Errors
    /// The storage does not take back what was written, so the file is not there. After a read that
    /// is only logged.
    pub(crate) async fn take_back(&self, passive: &Site, traces: &mut Traces) -> Result<(), Error> {
        let written = traces.handed_out.as_ref().map(|it| it.access) == Some(Access::Write);
        match self.give_back(passive, Outcome::Done, traces).await {
            Err(error) if !written => {
                self.warn(|| format!("Cannot give a transfer URL back: {error}"));
                Ok(())
            }
            answer => answer,
        }
    }

    async fn give_back(
        &self,
        passive: &Site,
        outcome: Outcome,
        traces: &mut Traces,
    ) -> Result<(), Error> {
        let Some(turl) = traces.handed_out.take() else {
            return Ok(());
        };
        let asked = passive
            .storage
            .finish(&passive.cx, &passive.url, &turl, outcome);
        within(passive.operation_limit, "finish", asked).await
    }

    /// The same after a failure, by whichever side handed it out.
    pub(crate) async fn revoke(&self, traces: &mut Traces) {
        let passive = match &traces.handed_out {
            None => return,
            Some(turl) if turl.access == Access::Read => &self.source,
            Some(_) => &self.destination,
        };
        match timeout(
            self.patience(),
            self.give_back(passive, Outcome::Aborted, traces),
        )
        .await
        {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.warn(|| format!("Cannot give a transfer URL back: {error}")),
            Err(_) => self.warn(|| "Giving a transfer URL back timed out".to_owned()),
        }
    }
}

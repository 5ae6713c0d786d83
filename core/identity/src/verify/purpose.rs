//! What a certificate must be made for.

use webpki::{Error, ExtendedKeyUsageValidator, KeyPurposeIdIter, KeyUsage};

/// What a certificate must be made for, if it says what it is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be a client of TLS.
    Client,
    /// To be a server of TLS.
    Server,
    /// To sign attributes, for which no purpose has a name.
    Attributes,
}

impl ExtendedKeyUsageValidator for Purpose {
    fn validate(&self, iter: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        match self {
            Self::Client => KeyUsage::client_auth().validate(iter),
            Self::Server => KeyUsage::server_auth().validate(iter),
            // Whatever they are, they must be readable.
            Self::Attributes => {
                let mut iter = iter;
                iter.try_for_each(|purpose| purpose.map(drop))
            }
        }
    }
}

//! Tokens of other issuers: who is believed, when their keys are asked for, how tokens of transfers
//! are renewed. The issuer is one of the test's own, behind the port for the network.

mod exchange;
mod hostile;
mod issuer;
mod keys;

//! How many transfers a link may run, decided from what was measured.
//!
//! A pure room: no input or output, no clock, no rows of its own. Whoever runs transfers keeps a
//! [`LinkWindow`] for every link with activity, calls [`Optimizer::tick`] every ten seconds or so,
//! and does with the decisions what it does with decisions: sets limits, writes rows.
//!
//! | to learn about | read |
//! |---|---|
//! | what is measured | [`window`], `ring`, [`sample`] |
//! | between which numbers a link may move | [`range`] |
//! | modes 0 to 3, step by step | [`decide`] |
//! | mode 4, our own | [`controller`] |
//! | when which link's turn is, and what is remembered of it | `tick` |

pub mod controller;
pub mod decide;
pub mod range;
mod ring;
pub mod sample;
mod tick;
pub mod window;

pub use sample::{Constants, Mode, Recent, Sample};
pub use tick::{Decision, LinkInput, Optimizer};
pub use window::LinkWindow;

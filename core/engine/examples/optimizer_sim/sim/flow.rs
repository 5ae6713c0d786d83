//! How fast the transfers of each link go: everyone equally fast until something is full.
//!
//! Max-min fairness over three kinds of pipes: the link's own bandwidth, the two storages, and
//! what one transfer can do alone.

/// What the transfers of one link meet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flow {
    /// Transfers that move bytes.
    pub(crate) transfers: f64,
    /// Bytes per second that one alone can do.
    pub(crate) alone: f64,
    /// Bytes per second left for us on the link.
    pub(crate) bandwidth: f64,
    /// Index of the source and the destination among the capacities.
    pub(crate) ends: [usize; 2],
}

/// Bytes per second of one transfer of each link.
pub(crate) fn rates(flows: &[Flow], capacities: &[f64]) -> Vec<f64> {
    let mut rest = capacities.to_vec();
    let mut rates = vec![0.0; flows.len()];
    let mut open: Vec<usize> = (0..flows.len())
        .filter(|it| flows[*it].transfers > 0.0)
        .collect();
    while !open.is_empty() {
        let mut crowd = vec![0.0; rest.len()];
        for index in &open {
            flows[*index]
                .ends
                .iter()
                .for_each(|end| crowd[*end] += flows[*index].transfers);
        }
        // The pipe that is full first settles the rate of those who meet it first.
        let bound = |index: usize| {
            let flow = &flows[index];
            let ends = flow.ends.map(|end| rest[end] / crowd[end]);
            let own = flow.alone.min(flow.bandwidth / flow.transfers);
            own.min(ends[0]).min(ends[1])
        };
        let lowest = open
            .iter()
            .map(|it| bound(*it))
            .fold(f64::INFINITY, f64::min);
        let (settled, others): (Vec<usize>, Vec<usize>) = open
            .iter()
            .partition(|it| bound(**it) <= lowest * (1.0 + 1e-9));
        for index in settled {
            rates[index] = lowest.max(0.0);
            for end in flows[index].ends {
                rest[end] = (rest[end] - lowest * flows[index].transfers).max(0.0);
            }
        }
        open = others;
    }
    rates
}

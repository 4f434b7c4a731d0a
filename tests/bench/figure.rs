//! How a figure is written, and what is made of many samples.

/// Prints one figure against its limit.
pub fn print(name: &str, value: f64, unit: &str, op: &str, limit: f64) {
    let held = match op {
        "<" => value < limit,
        ">=" => value >= limit,
        _ => value <= limit,
    };
    let verdict = if held { "ok" } else { "short" };
    println!("figure {name} {value:.3} {unit} limit {op} {limit} {verdict}");
}

/// The sample below which `share` of all lie.
pub fn quantile(samples: &mut [f64], share: f64) -> f64 {
    samples.sort_by(f64::total_cmp);
    let last = samples.len().checked_sub(1).expect("samples");
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of an index")]
    let at = (last as f64 * share).round() as usize;
    samples[at.min(last)]
}

pub fn median(samples: &mut [f64]) -> f64 {
    quantile(samples, 0.5)
}

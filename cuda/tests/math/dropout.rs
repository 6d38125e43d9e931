use cuda::math::dropout::{Rule, drop_out, drop_out_backward};

use crate::rig::{Before, close, device, empty, get, numbers, put, refused};

/// Philox4x32-10 as in Salmon et al., *Parallel Random Numbers: As Easy as 1, 2, 3*, 2011, section 3.3.
fn philox(mut key: [u32; 2], mut counter: [u32; 4]) -> [u32; 4] {
    for _ in 0..10 {
        let product = |factor: u32, by: u32| u64::from(factor) * u64::from(by);
        let (first, second) = (product(0xD251_1F53, counter[0]), product(0xCD9E_8D57, counter[2]));
        let [high0, high1] = [first, second].map(|product| (product >> 32) as u32);
        counter = [high1 ^ counter[1] ^ key[0], second as u32, high0 ^ counter[3] ^ key[1], first as u32];
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
    counter
}

/// Which of so many groups are kept.
pub(crate) fn kept(share: f64, key: u64, groups: usize) -> Vec<bool> {
    let least = (share * 2f64.powi(32)) as u32;
    let block = |block: u64| philox([key as u32, (key >> 32) as u32], [block as u32, (block >> 32) as u32, 0, 0]);
    (0..).flat_map(block).map(|word| word >= least).take(groups).collect()
}

/// Known answers that come with the authors' own code, Random123 1.14 (`kat_vectors`).
#[test]
fn the_generator_is_philox() {
    let pi = ([0xa409_3822, 0x299f_31d0], [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344]);
    for ((key, counter), expected) in [
        (([0; 2], [0; 4]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
        (([u32::MAX; 2], [u32::MAX; 4]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
        (pi, [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]),
    ] {
        assert_eq!(philox(key, counter), expected);
    }
}

#[test]
fn what_is_drawn_is_dropped_both_ways() {
    let _device = device();
    for (count, group) in [(0, 1), (1, 1), (6, 1), (1030, 1), (30, 3), (35, 7), (1000, 250)] {
        let rule = Rule { share: 0.3, scale: 1.5, shift: 0.25, dropped: -0.5, group, key: 0x1234_5678_9abc_def0 };
        let (x, of_out) = (numbers(count, 1), numbers(count, 2));
        let kept = kept(rule.share, rule.key, count / group);
        let (out, to) = (empty(count), Before::new(count));
        drop_out(&rule, put(&x).buffer(), out.buffer()).unwrap();
        let value = |(i, x): (usize, &f64)| if kept[i / group] { 1.5 * x + 0.25 } else { -0.5 };
        close(&format!("{count} by {group}"), &get(&out), &x.iter().enumerate().map(value).collect::<Vec<_>>());
        drop_out_backward(&rule, put(&of_out).buffer(), to.buffer()).unwrap();
        let slope = |(i, gradient): (usize, &f64)| if kept[i / group] { 1.5 * gradient } else { 0.0 };
        to.check("gradient", &of_out.iter().enumerate().map(slope).collect::<Vec<_>>());
    }
}

#[test]
fn the_share_is_dropped_and_keys_differ() {
    let _device = device();
    let ones = put(&[1.0; 4000]);
    let draw = |share: f64, key: u64| {
        let out = empty(4000);
        let rule = Rule { share, scale: 1.0, shift: 0.0, dropped: 0.0, group: 1, key };
        drop_out(&rule, ones.buffer(), out.buffer()).unwrap();
        get(&out)
    };
    // Four standard deviations of a binomial share of 4000 draws are 0.03.
    let left = |numbers: &[f64]| numbers.iter().sum::<f64>() / 4000.0;
    assert!((left(&draw(0.25, 1)) - 0.75).abs() < 0.03);
    assert_eq!(left(&draw(0.0, 1)), 1.0);
    assert_eq!(draw(0.5, 3), draw(0.5, 3));
    let both = draw(0.5, 3).iter().zip(draw(0.5, 4)).filter(|(a, b)| **a == *b).count();
    assert!((1850..2150).contains(&both), "{both}");
}

#[test]
fn other_sizes_are_refused() {
    let _device = device();
    let (x, y) = (put(&[1.0; 6]), put(&[1.0; 5]));
    let (x, y) = (x.buffer(), y.buffer());
    let rule = Rule { share: 0.5, scale: 1.0, shift: 0.0, dropped: 0.0, group: 1, key: 1 };
    refused("output", || drop_out(&rule, x, y));
    refused("gradient", || drop_out_backward(&rule, x, y));
    refused("group", || drop_out(&Rule { group: 4, ..rule }, x, x));
    refused("no group", || drop_out(&Rule { group: 0, ..rule }, x, x));
    refused("share", || drop_out(&Rule { share: 1.0, ..rule }, x, x));
}

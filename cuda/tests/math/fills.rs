//! Zeros are put off until something else is asked of the device.

use cuda::code::Outcome;
use cuda::gpu::gpu;
use cuda::math::activation::Curve;
use cuda::math::{Buffer, Room, activation, dense, loss, norm};

use crate::rig::{close, device, get, numbers, put};

/// Launches and fills since the counts were these.
fn since(before: [u64; 2]) -> [u64; 2] {
    let now = counts();
    [now[0] - before[0], now[1] - before[1]]
}

fn counts() -> [u64; 2] {
    let all = gpu().unwrap().counts.all();
    ["launches", "fills"].map(|wanted| all.iter().find(|(name, _)| *name == wanted).unwrap().1)
}

#[test]
fn buffers_that_are_zeroed_one_after_another_are_filled_by_one_launch() {
    let _alone = device();
    let rooms: Vec<Room> = (0..70).map(|i| put(&numbers(1 + i * i, 3))).collect();
    let before = counts();
    rooms.iter().for_each(|room| room.buffer().zero().unwrap());
    assert!(rooms.iter().all(|room| get(room).iter().all(|number| *number == 0.0)));
    assert_eq!(since(before), [2, 0], "64 by the first launch, the others by the second");
    rooms[9].buffer().zero().unwrap();
    rooms[9].buffer().download().unwrap();
    assert_eq!(since(before), [2, 1], "one alone needs no kernel");
}

#[test]
fn what_is_asked_later_happens_later_and_only_what_is_meant_is_filled() {
    let _alone = device();
    let (one, many, other) = (put(&[1.0; 3]), put(&numbers(10_000, 5)), put(&[2.0; 9]));
    one.buffer().zero().unwrap();
    // Begins where no sixteen bytes do.
    many.buffer().part(1, 9_990).unwrap().zero().unwrap();
    one.buffer().upload(&[7.0, 8.0, 9.0]).unwrap();
    assert_eq!(get(&one), [7.0, 8.0, 9.0]);
    let found = get(&many);
    assert!(found[1..9_991].iter().all(|number| *number == 0.0));
    assert_eq!((found[0], &found[9_991..]), (numbers(10_000, 5)[0], &numbers(10_000, 5)[9_991..]));
    assert_eq!(get(&other), [2.0; 9]);
}

#[test]
fn a_buffer_that_is_given_back_is_not_filled() {
    let _alone = device();
    let (kept, dropped) = (put(&[1.0; 9]), put(&[2.0; 9]));
    let before = counts();
    dropped.buffer().zero().unwrap();
    drop(dropped);
    let next = Room::new(9).unwrap();
    assert_eq!(get(&kept), [1.0; 9]);
    assert_eq!(since(before), [0, 0]);
    drop(next);
}

/// Something that is added to 24 numbers.
type Addition<'a> = (&'a str, &'a dyn Fn(Buffer) -> Outcome<()>);

#[test]
fn what_is_added_to_zeros_that_are_not_written_yet_takes_their_place() {
    let _alone = device();
    let rooms = [put(&numbers(24, 1)), put(&numbers(18, 2)), put(&numbers(12, 3)), put(&numbers(6, 4)), put(&[0.5])];
    let [x, weight, gradient, row, scale] = rooms.each_ref().map(Room::buffer);
    let statistics = put(&numbers(8, 5));
    // What else is added to.
    let others = [put(&[0.0; 18]), put(&[0.0; 3]), put(&[0.0; 6]), put(&[0.0; 6])];
    let [of_weight, of_bias, of_scale, of_shift] = others.each_ref().map(Room::buffer);
    let additions: [Addition; 5] = [
        ("sum", &|to| dense::add(to, x)),
        ("linear", &|to| dense::affine_backward(gradient, [x, weight], [to, of_weight, of_bias])),
        ("activation", &|to| activation::activate_backward(Curve::Gelu, x, x, to)),
        ("norm", &|to| norm::normalize_backward(x, [x, row], statistics.buffer(), [to, of_scale, of_shift])),
        ("loss", &|to| loss::add_scaled(to, x, scale)),
    ];
    for (name, add) in additions {
        let (written, put_off) = (put(&[0.0; 24]), put(&[f64::NAN; 24]));
        let before = counts();
        add(written.buffer()).unwrap();
        let launches = since(before)[0];
        put_off.buffer().zero().unwrap();
        add(put_off.buffer()).unwrap();
        assert!(since(before)[0] <= 2 * launches && since(before)[1] == 0, "{name}");
        assert_eq!(get(&put_off), get(&written), "{name}");
        assert!(get(&put_off).iter().any(|number| *number != 0.0), "{name}");
        add(put_off.buffer()).unwrap();
        let twice: Vec<f64> = get(&written).iter().map(|number| 2.0 * number).collect();
        close(name, &get(&put_off), &twice);
    }
}

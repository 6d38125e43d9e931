//! Zeros are put off until something else is asked of the device.

use cuda::gpu::gpu;
use cuda::math::Room;

use crate::rig::{device, get, numbers, put};

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

use cuda::math::Indices;
use cuda::math::embedding::{add_positions, add_positions_backward, look_up, look_up_backward};

use crate::rig::{Before, close, device, empty, get, numbers, put, refused};

/// Rows that come often, seldom or never.
fn indices(count: usize, rows: usize) -> Vec<u32> {
    numbers(count, 5).iter().map(|x| ((x * x * 0.24) * rows as f64) as u32).collect()
}

#[test]
fn rows_are_looked_up_and_gradients_added_where_they_came_from() {
    let _device = device();
    for (count, rows, width) in [(0, 3, 2), (1, 1, 1), (9, 4, 5), (40, 7, 33), (100, 3, 40), (3, 9, 300)] {
        let what = format!("{count} of {rows} rows of {width}");
        let (table, indices) = (numbers(rows * width, 1), indices(count, rows));
        let out = empty(count * width);
        look_up(put(&table).buffer(), &Indices::new(&indices).unwrap(), width, out.buffer()).unwrap();
        let row = |index: &u32| table[*index as usize * width..][..width].to_vec();
        close(&what, &get(&out), &indices.iter().flat_map(row).collect::<Vec<_>>());

        let (of_out, to) = (numbers(count * width, 2), Before::new(rows * width));
        look_up_backward(put(&of_out).buffer(), &indices, width, to.buffer()).unwrap();
        let mut expected = vec![0.0; rows * width];
        for (index, row) in indices.iter().zip(of_out.chunks(width)) {
            expected[*index as usize * width..].iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
        }
        to.check(&format!("gradient of {what}"), &expected);
    }
}

#[test]
fn positions_are_added_to_each_sequence() {
    let _device = device();
    for (batch, rows, width, length) in [(0, 2, 3, 2), (1, 1, 1, 4), (3, 5, 7, 5), (2, 40, 33, 50), (70, 1, 2, 1)] {
        let count = rows * width;
        let (x, table) = (numbers(batch * count, 1), numbers(length * width, 2));
        let (out, of_out) = (empty(batch * count), numbers(batch * count, 3));
        add_positions(put(&x).buffer(), put(&table).buffer(), [rows, width], out.buffer()).unwrap();
        let sums = x.iter().enumerate().map(|(i, x)| x + table[i % count]);
        close("positions", &get(&out), &sums.collect::<Vec<_>>());

        let (of_x, of_table, gradient) = (Before::new(batch * count), Before::new(length * width), put(&of_out));
        add_positions_backward(gradient.buffer(), [rows, width], of_x.buffer(), Some(of_table.buffer())).unwrap();
        of_x.check("gradient of x", &of_out);
        let sum = |i: usize| if i < count { of_out.iter().skip(i).step_by(count).sum() } else { 0.0 };
        of_table.check("gradient of the table", &(0..length * width).map(sum).collect::<Vec<_>>());

        let fixed = Before::new(batch * count);
        add_positions_backward(gradient.buffer(), [rows, width], fixed.buffer(), None).unwrap();
        fixed.check("gradient of x", &of_out);
    }
}

#[test]
fn other_sizes_and_rows_that_are_not_there_are_refused() {
    let _device = device();
    let [eight, six, four] = [8, 6, 4].map(|count| put(&numbers(count, 1)));
    let [eight, six, four] = [eight.buffer(), six.buffer(), four.buffer()];
    let indices = |indices: &[u32]| Indices::new(indices).unwrap();
    refused("row", || look_up(six, &indices(&[0, 3]), 2, four));
    refused("largest row", || look_up(six, &indices(&[0, u32::MAX]), 2, four));
    refused("output", || look_up(six, &indices(&[0, 2]), 2, six));
    refused("width", || look_up(six, &indices(&[]), 0, six));
    refused("table", || look_up(six, &indices(&[0]), 4, four));
    refused("row of the gradient", || look_up_backward(four, &[0, 3], 2, six));
    refused("gradient", || look_up_backward(six, &[0, 2], 2, six));
    refused("width of the gradient", || look_up_backward(six, &[], 0, six));
    refused("short table", || add_positions(eight, six, [4, 2], eight));
    refused("sequences", || add_positions(six, eight, [2, 2], six));
    refused("sums", || add_positions(eight, four, [2, 2], four));
    refused("short gradient", || add_positions_backward(eight, [4, 2], eight, Some(six)));
    refused("sequences of the gradient", || add_positions_backward(six, [2, 2], six, None));
}

//! Work on all cores: jobs that don't share what they write.

use std::sync::Mutex;

/// Numbers that a job should touch, so that handing it over costs little beside it.
pub(crate) const JOB: usize = 1 << 16;

/// How many things of this size make a job. It depends on nothing else, so sums that are made job by job
/// are the same on any number of cores.
pub(crate) fn per_job(size: usize) -> usize {
    (JOB / size.max(1)).max(1)
}

/// Does the jobs on as many threads as there are cores; the results are in their order.
pub(crate) fn parallel<J: Send, R: Send>(jobs: Vec<J>, work: impl Fn(J) -> R + Sync) -> Vec<R> {
    let threads = rayon::current_num_threads().min(jobs.len());
    if threads <= 1 {
        return jobs.into_iter().map(work).collect();
    }
    let mut results: Vec<Option<R>> = jobs.iter().map(|_| None).collect();
    let queue = Mutex::new(jobs.into_iter().zip(&mut results));
    let next = || queue.lock().ok().and_then(|mut queue| queue.next());
    let run = || {
        while let Some((job, result)) = next() {
            *result = Some(work(job));
        }
    };
    rayon::in_place_scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|_| run());
        }
        run();
    });
    drop(queue);
    results.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_the_jobs() {
        let squares = parallel((0..100).collect(), |n: usize| n * n);
        assert_eq!(squares, (0..100).map(|n| n * n).collect::<Vec<_>>());
        assert!(parallel(Vec::<usize>::new(), |n| n).is_empty());
        assert_eq!((per_job(JOB / 2), per_job(JOB * 2), per_job(0)), (2, 1, JOB));
    }
}

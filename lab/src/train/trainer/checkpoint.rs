//! Checkpoints: the last one, with everything to go on from, and the weights of the best epoch. Both are safetensors
//! files that any program can read the weights from; what training remembers stands beside them.

use std::path::{Path, PathBuf};

use dfdx::nn::TensorCollection;
use serde::{Deserialize, Serialize};

use super::plan::Plan;
use super::progress::Progress;
use super::{Loop, Trainer, TrainerError};
use crate::device::Dev;
use crate::nn::{State, Weights, WeightsError};
use crate::train::{EarlyStopping, Ema, Optimizer, OptimizerHeader, OptimizerState};

const LAST: &str = "last.safetensors";
const BEST: &str = "best.safetensors";
/// Names of what is no weight begin with one of these.
const OPTIMIZER: &str = "optimizer.";
const EMA: &str = "ema.";

/// What is saved and is no array.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    plan: Plan,
    progress: Progress,
    optimizer: OptimizerHeader,
    /// Decay and number of updates.
    ema: Option<(f64, u64)>,
}

impl<M, O> Trainer<M, O>
where
    M: TensorCollection<f32, Dev>,
    O: Optimizer,
{
    /// Goes on from the last checkpoint in the folder; begins anew when there is none. Call it last: settings are
    /// those of this trainer, but for the optimizer's, which are the checkpoint's.
    ///
    /// ```no_run
    /// # use lab::prelude::*;
    /// # let model = device().build_module::<Linear<2, 1>, f32>();
    /// let mut trainer = Trainer::new(model, Adam::new(1e-3)).epochs(20).checkpoints("checkpoints/mlp").resume()?;
    /// # Ok::<(), TrainerError>(())
    /// ```
    ///
    /// # Errors
    /// When there is no folder, or the checkpoint can't be read, is of another model, optimizer or seed. Then nothing
    /// has been changed.
    pub fn resume(mut self) -> Result<Self, TrainerError> {
        let path = self.inner.folder()?.join(LAST);
        if path.exists() {
            self.load(&path)?;
        }
        Ok(self)
    }

    /// Goes on from a checkpoint, as [`Trainer::resume`].
    ///
    /// # Errors
    /// As [`Trainer::resume`], and when there is no such file.
    pub fn resume_from(mut self, path: impl AsRef<Path>) -> Result<Self, TrainerError> {
        self.load(path.as_ref())?;
        Ok(self)
    }

    /// Writes the last checkpoint now. Without a folder, nothing is written.
    ///
    /// # Errors
    /// When the file can't be written; an older one is as it was.
    pub fn save_last(&self) -> Result<(), TrainerError> {
        let Some(folder) = &self.inner.plan.checkpoints else { return Ok(()) };
        let OptimizerState { header, tensors } = self.optimizer.state();
        let note = self.inner.note(header, self.ema.as_ref());
        let refused = |error: serde_json::Error| {
            let (path, reason) = (folder.join(LAST), error.to_string());
            TrainerError::Weights { path: path.clone(), source: WeightsError::Format { path, reason } }
        };
        let note = note.map_err(refused)?;
        let named = |start: &str, (name, values): (String, Vec<f32>)| (format!("{start}{name}"), values);
        let mut state: State = tensors.into_iter().map(|tensor| named(OPTIMIZER, tensor)).collect();
        let averages = self.ema.iter().flat_map(Ema::averages);
        state.extend(averages.map(|average| named(EMA, average)));
        write(&Weights::of(&self.model), folder, LAST, state, Some(&note))
    }

    /// Writes the weights of the best epoch.
    pub(super) fn save_best(&self, weights: &Weights) -> Result<(), TrainerError> {
        match &self.inner.plan.checkpoints {
            Some(folder) => write(weights, folder, BEST, State::new(), None),
            None => Ok(()),
        }
    }

    pub(super) fn load_best(&mut self) -> Result<(), TrainerError> {
        let path = self.inner.folder()?.join(BEST);
        crate::nn::load_weights(&mut self.model, &path).map_err(|source| TrainerError::Weights { path, source })
    }

    fn load(&mut self, path: &Path) -> Result<(), TrainerError> {
        let at = |source| TrainerError::Weights { path: path.to_owned(), source };
        let (weights, state, note) = Weights::read_with_state(path).map_err(at)?;
        let report = weights.compare(&self.model);
        if !report.is_complete() {
            return Err(at(WeightsError::OtherModel { report }));
        }
        let note = self.inner.read(path, note)?;
        let (optimizer, averages) = parted(state);
        let saved = self.ema.is_some().then_some(note.ema).flatten();
        let ema = saved.map(|(decay, updates)| Ema::restored(decay, updates, averages)).transpose()?;
        self.optimizer.load_state(OptimizerState { header: note.optimizer, tensors: optimizer })?;
        weights.load_into(&mut self.model);
        self.ema = ema.or_else(|| self.ema.take());
        (self.gradients, self.best) = (None, None);
        self.inner.goes_on(note.progress, path);
        Ok(())
    }
}

/// What the optimizer remembers, and averages.
fn parted(state: State) -> (State, State) {
    let (mut optimizer, mut averages) = (State::new(), State::new());
    for (name, values) in state {
        if let Some(name) = name.strip_prefix(OPTIMIZER) {
            optimizer.push((name.to_owned(), values));
        } else if let Some(name) = name.strip_prefix(EMA) {
            averages.push((name.to_owned(), values));
        }
    }
    (optimizer, averages)
}

fn write(weights: &Weights, folder: &Path, name: &str, state: State, note: Option<&str>) -> Result<(), TrainerError> {
    let make = |source| TrainerError::Folder { path: folder.to_owned(), source };
    std::fs::create_dir_all(folder).map_err(make)?;
    let path = folder.join(name);
    weights.save_with_state(&path, state, note).map_err(|source| TrainerError::Weights { path, source })
}

impl Loop {
    fn folder(&self) -> Result<PathBuf, TrainerError> {
        self.plan.checkpoints.clone().ok_or(TrainerError::NoFolder)
    }

    /// Everything that is no array, as JSON.
    fn note(&self, optimizer: OptimizerHeader, ema: Option<&Ema>) -> Result<String, serde_json::Error> {
        let ema = ema.map(|ema| (ema.decay(), ema.updates()));
        let note = Note { plan: self.plan.clone(), progress: self.progress.clone(), optimizer, ema };
        serde_json::to_string(&note)
    }

    fn read(&self, path: &Path, note: Option<String>) -> Result<Note, TrainerError> {
        let not = |reason: String| TrainerError::NotACheckpoint { path: path.to_owned(), reason };
        let note = note.ok_or_else(|| not("it has weights only".to_owned()))?;
        let note: Note = serde_json::from_str(&note).map_err(|error| not(error.to_string()))?;
        if note.plan.seed != self.plan.seed {
            let (saved, seed) = (note.plan.seed, self.plan.seed);
            return Err(TrainerError::OtherSeed { path: path.to_owned(), saved, seed });
        }
        Ok(note)
    }

    /// Takes the place of what was done so far; what was asked of this trainer stays.
    fn goes_on(&mut self, saved: Progress, path: &Path) {
        let (stopping, plateau) = (self.progress.stopping.take(), self.progress.plateau.take());
        self.resumed =
            Some(format!("going on from {}: epoch {}, step {}", path.display(), saved.epoch + 1, saved.step));
        self.progress = saved;
        // With other settings, early stopping starts anew.
        if self.progress.stopping.as_ref().map(EarlyStopping::settings)
            != stopping.as_ref().map(EarlyStopping::settings)
        {
            (self.progress.stopping, self.progress.stopped) = (stopping, false);
        }
        if self.progress.plateau.is_none() || plateau.is_none() {
            self.progress.plateau = plateau;
        }
    }
}

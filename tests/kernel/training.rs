//! A training in a cell: interrupted at a step, it goes on from its checkpoint as if nothing had happened.

use kernel::client::ExecuteOptions;

use crate::{check, start};

const DEFINITIONS: &str = r#"
type Net = (Linear<3, 8>, ReLU, Dropout<20>, Linear<8, 1>);
type Built = <Net as BuildOnDevice<Dev, f32>>::Built;

fn batches(seed: u64) -> Vec<(Tensor<Rank2<4, 3>, f32, Dev>, Tensor<Rank2<4, 1>, f32, Dev>)> {
    let dev = Dev::seed_from_u64(seed);
    (0..6).map(|_| (dev.sample_normal(), dev.sample_normal())).collect()
}

fn trainer(epochs: usize, folder: &str) -> Trainer<Built, Adam> {
    let model = device_seeded(7).build_module::<Net, f32>();
    Trainer::new(model, Adam::new(0.01)).seed(3).epochs(epochs).quiet().checkpoints(folder)
}

fn fit(trainer: &mut Trainer<Built, Adam>) -> Result<u64, TrainerError> {
    trainer.fit(
        |epoch| Ok(batches(epoch.seed())),
        |model, gradients, (x, y)| Ok(mse_loss(model.forward(x.trace(gradients)), y)?),
        |_| Ok(()),
    )?;
    Ok(trainer.steps())
}

fn bits(model: &Built) -> Vec<u32> {
    let weights = Weights::of(model);
    let values = weights.names().into_iter().filter_map(|name| weights.get(name));
    values.flat_map(|(_, values)| values.iter().map(|value| value.to_bits())).collect()
}
"#;

/// Trains without an end, and says so after some steps.
const MADE: &str = r#"
let mut endless = trainer(usize::MAX, "interrupted").on_step(|step, _| {
    if step == 100 { println!("ready"); }
    Flow::Continue
});
"#;

const ENDLESS: &str = r#"
fit(&mut endless)?;
std::fs::write("went-on", "")?;
"#;

const GOES_ON: &str = r#"
let mut resumed = trainer(usize::MAX, "interrupted").resume()?;
let at = resumed.steps();
assert_eq!(at, endless.steps());
let epochs = at as usize / 6 + 2;
let mut resumed = trainer(epochs, "interrupted").resume()?;
let mut whole = trainer(epochs, "whole");
assert_eq!(fit(&mut resumed)?, fit(&mut whole)?);
(at >= 100, bits(&resumed.model) == bits(&whole.model), bits(&resumed.model) == bits(&endless.model))
"#;

#[tokio::test]
async fn an_interrupted_training_goes_on_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let kernel = start(folder.path()).await;
    check::execute(&kernel, DEFINITIONS).await;
    check::execute(&kernel, MADE).await;
    let mut execution = kernel.client().execute(ENDLESS, ExecuteOptions::default()).unwrap();
    while let Some(event) = execution.next().await.unwrap() {
        if event.content["text"].as_str().is_some_and(|text| text.contains("ready")) {
            kernel.client().interrupt().await.unwrap();
        }
    }
    let reply = execution.reply().unwrap();
    assert_eq!(reply["ename"], "Interrupted", "{reply}");
    assert!(!folder.path().join("went-on").exists());
    let seen = check::execute(&kernel, GOES_ON).await;
    assert_eq!(seen.result(), Some("(true, true, false)"), "{seen:?}");
    kernel.shutdown().await;
}

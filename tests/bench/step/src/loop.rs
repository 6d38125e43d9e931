{
    let mut model = dev.build_module::<Mlp, f32>();
    let mut grads = model.alloc_grads();
    let mut opt: Adam<_, f32, Cpu> = Adam::new(&model, Default::default());
    let mut times: Vec<f64> = Vec::new();
    for step in 0..steps {
        let start = std::time::Instant::now();
        let scores = model.forward_mut(x.trace(grads));
        let loss = cross_entropy_with_logits_loss(scores, y.clone());
        grads = loss.backward();
        opt.update(&mut model, &grads).unwrap();
        model.zero_grads(&mut grads);
        times.push(start.elapsed().as_secs_f64());
        if step == 0 {
            println!("first step");
        }
    }
    times
}

//! What PyTorch calls the weights of a model, where dfdx has names of its own.

/// The names that a `state_dict` of PyTorch has for these, which are the names of a whole model or file: batch
/// normalization's `scale`, layer normalization's `gamma` and `beta` and PReLU's `a` are `weight` and `bias` there.
/// They are known by what stands beside them; a name that is PyTorch's already stays.
pub(super) fn pytorch(names: &[String]) -> Vec<String> {
    let last = |name: &str| match name.rsplit_once('.') {
        Some((module, last)) => (module.to_owned(), last.to_owned()),
        None => (String::new(), name.to_owned()),
    };
    let parts: Vec<_> = names.iter().map(|name| last(name)).collect();
    let rename = |(name, (module, last)): (&String, &(String, String))| {
        let beside = |other: &str| parts.iter().any(|(of, name)| of == module && name == other);
        let theirs = match last.as_str() {
            "scale" if beside("running_mean") && !beside("weight") => "weight",
            "gamma" if beside("beta") && !beside("weight") => "weight",
            "beta" if beside("gamma") && !beside("bias") => "bias",
            "a" if parts.iter().filter(|(of, _)| of == module).count() == 1 => "weight",
            _ => return name.clone(),
        };
        if module.is_empty() { theirs.to_owned() } else { format!("{module}.{theirs}") }
    };
    names.iter().zip(&parts).map(rename).collect()
}

/// A shape as PyTorch has it: the gates of a recurrent layer, an axis of their own here, are one with the next; PReLU's
/// one number is a row of one.
pub(super) fn pytorch_shape(name: &str, shape: &[usize]) -> Vec<usize> {
    let last = name.rsplit('.').next().unwrap_or(name);
    let gates = ["weight_ih_", "weight_hh_", "bias_ih_", "bias_hh_"].iter().any(|start| last.starts_with(start));
    match shape {
        [count, size, rest @ ..] if gates => [&[count * size], rest].concat(),
        [] if last == "a" || last == "weight" => vec![1],
        _ => shape.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_dfdx_become_those_of_pytorch() {
        for (ours, theirs) in [
            ("0.scale 0.bias 0.running_mean 0.running_var", "0.weight 0.bias 0.running_mean 0.running_var"),
            ("scale bias running_mean", "weight bias running_mean"),
            ("1.norm.gamma 1.norm.beta 2.a", "1.norm.weight 1.norm.bias 2.weight"),
            // Not of these layers.
            ("0.scale 0.bias 1.gamma 2.a 2.b", "0.scale 0.bias 1.gamma 2.a 2.b"),
            ("0.weight 0.bias 3.q_proj.weight", "0.weight 0.bias 3.q_proj.weight"),
        ] {
            let ours: Vec<String> = ours.split(' ').map(str::to_owned).collect();
            assert_eq!(pytorch(&ours).join(" "), theirs);
        }
        assert_eq!(pytorch_shape("1.weight_ih_l0", &[4, 8, 3]), [32, 3]);
        assert_eq!(pytorch_shape("bias_hh_l0", &[3, 8]), [24]);
        assert_eq!(pytorch_shape("0.weight", &[4, 8, 3]), [4, 8, 3]);
        assert_eq!(pytorch_shape("2.a", &[]), [1]);
    }
}

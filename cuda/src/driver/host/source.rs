//! What is read from, and added to, the text of a unit before the C++ compiler gets it.

/// What `__global__` becomes in the preprocessed text in which kernels are looked for.
pub(super) const MARK: &str = "assay_kernel__";

/// The names of all kernels that `extern "C" __global__ void NAME(` declares in preprocessed text.
pub(super) fn kernels(preprocessed: &str) -> Vec<&str> {
    let mut names: Vec<&str> = preprocessed.match_indices(MARK).filter_map(|at| kernel(preprocessed, at.0)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn kernel(text: &str, mark: usize) -> Option<&str> {
    text[..mark].trim_end().strip_suffix("\"C\"")?.trim_end().strip_suffix("extern")?;
    let declared = text[mark + MARK.len()..].trim_start().strip_prefix("void")?.trim_start();
    let (name, rest) = declared.split_at(declared.find(|c: char| !is_name(c))?);
    (!name.is_empty() && rest.trim_start().starts_with('(')).then_some(name)
}

/// Functions through which a kernel is run and its parameters are known, in C++.
pub(super) fn launches(names: &[&str]) -> String {
    let launch = |name: &&str| {
        format!(
            "extern \"C\" __attribute__((visibility(\"default\"))) assay::Stop assay_run_{name}(void **with, const \
             assay::Grid *grid) {{ return assay::Kernel<&{name}>::launch(with, *grid); }}\n\
             extern \"C\" __attribute__((visibility(\"default\"))) const unsigned char *assay_kinds_{name}() {{ return \
             assay::Kernel<&{name}>::kinds(); }}\n"
        )
    };
    names.iter().map(launch).collect()
}

/// The text with `extern __shared__ TYPE NAME[];`, which C++ has nothing for, turned into a pointer to the block's
/// dynamic shared memory. No line moves.
pub(super) fn shared(text: &str) -> String {
    let mut done = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("extern") {
        let (before, found) = rest.split_at(at);
        done.push_str(before);
        match declaration(found) {
            Some((pointer, length)) => {
                done.push_str(&pointer);
                rest = &found[length..];
            }
            None => {
                done.push_str("extern");
                rest = &found["extern".len()..];
            }
        }
    }
    done + rest
}

/// The pointer that stands for a declaration at the start of the text, and the declaration's length without its `;`.
fn declaration(text: &str) -> Option<(String, usize)> {
    let length = text.find(';')?;
    let declared = text[..length].strip_prefix("extern")?.trim_start().strip_prefix("__shared__")?;
    let declared = declared.trim_end().strip_suffix(']')?.trim_end().strip_suffix('[')?.trim_end();
    let (kind, name) = declared.split_at(declared.rfind(|c: char| !is_name(c))? + 1);
    Some((format!("{kind}*{name} = reinterpret_cast<decltype({name})>(assay::dynamic)"), length))
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_kernels_that_a_driver_finds_by_their_name_are_named() {
        let text = r#"
            extern "C" assay_kernel__ void two(float *x) {} extern "C"   assay_kernel__
            void one ( ) {}
            template <class T> assay_kernel__ void of_any(T *x) {}
            assay_kernel__ void mangled(int x) {}
            extern "C" void helper(int assay_kernel__x) {}
        "#;
        assert_eq!(kernels(text), ["one", "two"]);
    }

    #[test]
    fn dynamic_shared_memory_becomes_a_pointer() {
        let cases = [
            ("extern __shared__ float x[];", " float *x = reinterpret_cast<decltype(x)>(assay::dynamic);"),
            (
                "a; extern  __shared__ __align__(16) unsigned char bytes [ ] ; b",
                "a;  __align__(16) unsigned char *bytes = reinterpret_cast<decltype(bytes)>(assay::dynamic); b",
            ),
            ("extern \"C\" void f(); __shared__ float x[4];", "extern \"C\" void f(); __shared__ float x[4];"),
            ("// extern", "// extern"),
        ];
        for (text, expected) in cases {
            assert_eq!(shared(text), expected);
        }
    }
}

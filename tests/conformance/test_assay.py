"""jupyter_kernel_test against the installed kernel `assay-test`. Every attribute is set, so nothing is skipped."""

import jupyter_kernel_test as jkt


class AssayTests(jkt.KernelTests):
    kernel_name = "assay-test"
    language_name = "rust"
    file_extension = ".rs"

    code_hello_world = 'println!("hello, world");'
    code_stderr = 'eprintln!("test");'
    code_page_something = ":help"
    code_generate_error = 'panic!("boom")'
    code_execute_result = [
        {"code": "1 + 2", "result": "3"},
        {"code": 'format!("{}-{}", 1, 2)', "result": '"1-2"'},
        {"code": "1 + 2", "result": "3"},
        {"code": "vec![1, 2]", "result": "[1, 2]"},
    ]
    code_display_data = [{"code": 'lab::display::html("<b>hi</b>");', "mime": "text/html"}]
    code_history_pattern = "1 + 2*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "xyzzy_alpha"
    code_clear_output = "lab::display::clear_output(false);"

    # `xyzzy_alpha` and `Xyzzy` are defined in `setUpClass`.
    completion_samples = [
        {"text": "xyzzy_al", "matches": {"xyzzy_alpha"}},
        {"text": "xyzzy_", "matches": {"xyzzy_alpha", "xyzzy_beta"}},
        {"text": "let y = xyzzy_b", "matches": {"xyzzy_beta"}},
        {"text": "é; xyzzy_al", "matches": {"xyzzy_alpha"}},
    ]
    complete_code_samples = ["let x = 1;", "1 + 2", "fn f() {}", ":help", ""]
    incomplete_code_samples = ["fn f() {", "let x = (1,", 'println!("a', "/* open"]
    invalid_code_samples = ["let let", "fn f() { ) }"]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # The first cell may start the cell host; that is not what these tests measure.
        reply = cls.kc.execute_interactive(
            "let xyzzy_alpha = 1; let xyzzy_beta = 2;", timeout=120, output_hook=lambda message: None
        )
        assert reply["content"]["status"] == "ok", reply["content"]

    def test_error_reply_is_complete(self):
        """The suite's own test does not look into the reply."""
        self.flush_channels()
        reply, output_msgs = self.execute_helper(self.code_generate_error)
        self.assertEqual(len(output_msgs), 1)
        for field in ("ename", "evalue", "traceback"):
            self.assertEqual(reply["content"][field], output_msgs[0]["content"][field])
        self.assertIn("boom", reply["content"]["evalue"])


class AssayWelcomeTests(jkt.IopubWelcomeTests):
    kernel_name = "assay-test"
    support_iopub_welcome = True


del jkt

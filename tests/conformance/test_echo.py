"""jupyter_kernel_test against the echo kernel: the protocol loop alone, over libzmq."""

import jupyter_kernel_test as jkt


class EchoTests(jkt.KernelTests):
    kernel_name = "echo"
    language_name = "echo"
    file_extension = ".txt"
    code_hello_world = ":stdout hello, world"
    code_stderr = ":stderr test"
    completion_samples = [{"text": "ab", "matches": {"ab_alpha", "ab_beta"}}]
    complete_code_samples = ["one"]
    incomplete_code_samples = ["one {"]
    invalid_code_samples = ["one!"]
    code_page_something = ":page help"
    code_generate_error = ":error Odd reason"
    code_execute_result = [
        {"code": "one", "result": "one"},
        {"code": "two", "result": "two"},
        {"code": "one", "result": "one"},
    ]
    code_display_data = [{"code": ":display text/html <b>hi</b>", "mime": "text/html"}]
    code_history_pattern = "o?e*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "one"
    code_clear_output = ":clear"


class EchoWelcomeTests(jkt.IopubWelcomeTests):
    kernel_name = "echo"
    support_iopub_welcome = True


del jkt

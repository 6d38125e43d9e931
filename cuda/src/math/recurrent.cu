// One step of a recurrent network for all sequences, and its derivative: a thread for each unit of each sequence. Gates
// and formulas are PyTorch's.

enum Cell { RNN, GRU, LSTM };

static __device__ float sigmoid(float x) { return 1 / (1 + expf(-x)); }

// Where a thread's unit is, in rows of one step and in those of all steps.
struct Unit {
    size_t hidden, sequence, i, row;
    unsigned int gates;

    __device__ Unit(size_t at, unsigned int cell, size_t hidden, size_t steps, size_t step)
        : hidden(hidden), sequence(at / hidden), i(at % hidden), row(sequence * steps + step),
          gates(cell == RNN ? 1 : cell == GRU ? 3 : 4) {}

    // In rows of a number for each unit of each gate.
    __device__ size_t gate(size_t row, unsigned int which) const { return (row * gates + which) * hidden + i; }
    // In rows of four numbers for each unit.
    __device__ size_t kept(unsigned int which) const { return (sequence * 4 + which) * hidden + i; }
};

// `inputs` is what comes from the input, [batch, steps, gates, hidden], `states` what comes from the state before,
// [batch, gates, hidden], to which `bias` is added. The state goes to `after`, [batch, hidden], and to `out`,
// [batch, steps, hidden]; the cell of an LSTM to `cell_after`; and to `kept`, [batch, 4, hidden], what the derivative
// needs of the gates.
extern "C" __global__ void assay_recurrent(float *out, float *after, float *cell_after, float *kept,
                                           const float *before, const float *cell_before, const float *inputs,
                                           const float *states, const float *bias, unsigned int cell, size_t hidden,
                                           size_t steps, size_t step, size_t count) {
    size_t at = blockIdx.x * (size_t)blockDim.x + threadIdx.x;
    if (at >= count) return;
    Unit unit(at, cell, hidden, steps, step);
    float input[4], state[4], h;
    for (unsigned int gate = 0; gate < unit.gates; gate++) {
        input[gate] = inputs[unit.gate(unit.row, gate)];
        state[gate] = states[unit.gate(unit.sequence, gate)] + bias[gate * hidden + unit.i];
    }
    if (cell == RNN) {
        h = tanhf(input[0] + state[0]);
    } else if (cell == GRU) {
        float reset = sigmoid(input[0] + state[0]), update = sigmoid(input[1] + state[1]);
        float fresh = tanhf(input[2] + reset * state[2]);
        h = (1 - update) * fresh + update * before[at];
        kept[unit.kept(0)] = reset;
        kept[unit.kept(1)] = update;
        kept[unit.kept(2)] = fresh;
        kept[unit.kept(3)] = state[2];
    } else {
        float in = sigmoid(input[0] + state[0]), forget = sigmoid(input[1] + state[1]);
        float fresh = tanhf(input[2] + state[2]), give = sigmoid(input[3] + state[3]);
        float memory = forget * cell_before[at] + in * fresh;
        h = give * tanhf(memory);
        cell_after[at] = memory;
        kept[unit.kept(0)] = in;
        kept[unit.kept(1)] = forget;
        kept[unit.kept(2)] = fresh;
        kept[unit.kept(3)] = give;
    }
    after[at] = h;
    out[unit.row * hidden + unit.i] = h;
}

// `later` is the gradient of the state that comes from later steps, to which that of the output is added here; what goes
// straight to the state before is left there. `of_cell` is the same for the cell. The gradients of what came from the
// input and from the state go to `of_inputs`, [batch, steps, gates, hidden], and `of_states`, [batch, gates, hidden].
extern "C" __global__ void assay_recurrent_backward(float *of_inputs, float *of_states, float *later, float *of_cell,
                                                    const float *gradient, const float *before, const float *after,
                                                    const float *cell_before, const float *cell_after,
                                                    const float *kept, unsigned int cell, size_t hidden, size_t steps,
                                                    size_t step, size_t count) {
    size_t at = blockIdx.x * (size_t)blockDim.x + threadIdx.x;
    if (at >= count) return;
    Unit unit(at, cell, hidden, steps, step);
    float of_h = later[at] + gradient[unit.row * hidden + unit.i], straight = 0;
    float of_input[4], of_state[4];
    if (cell == RNN) {
        of_input[0] = of_state[0] = of_h * (1 - after[at] * after[at]);
    } else if (cell == GRU) {
        float reset = kept[unit.kept(0)], update = kept[unit.kept(1)];
        float fresh = kept[unit.kept(2)], recurrent = kept[unit.kept(3)];
        float of_fresh = of_h * (1 - update) * (1 - fresh * fresh);
        of_input[0] = of_state[0] = of_fresh * recurrent * reset * (1 - reset);
        of_input[1] = of_state[1] = of_h * (before[at] - fresh) * update * (1 - update);
        of_input[2] = of_fresh;
        of_state[2] = of_fresh * reset;
        straight = of_h * update;
    } else {
        float in = kept[unit.kept(0)], forget = kept[unit.kept(1)];
        float fresh = kept[unit.kept(2)], give = kept[unit.kept(3)], tanh = tanhf(cell_after[at]);
        float of_memory = of_cell[at] + of_h * give * (1 - tanh * tanh);
        of_input[0] = of_state[0] = of_memory * fresh * in * (1 - in);
        of_input[1] = of_state[1] = of_memory * cell_before[at] * forget * (1 - forget);
        of_input[2] = of_state[2] = of_memory * in * (1 - fresh * fresh);
        of_input[3] = of_state[3] = of_h * tanh * give * (1 - give);
        of_cell[at] = of_memory * forget;
    }
    later[at] = straight;
    for (unsigned int gate = 0; gate < unit.gates; gate++) {
        of_inputs[unit.gate(unit.row, gate)] = of_input[gate];
        of_states[unit.gate(unit.sequence, gate)] = of_state[gate];
    }
}

// The last row of each sequence of `length` numbers, `size` numbers long.
extern "C" __global__ void assay_last(float *out, const float *x, size_t length, size_t size, size_t count) {
    size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x;
    if (i < count) out[i] = x[(i / size + 1) * length - size + i % size];
}

extern "C" __global__ void assay_last_backward(float *to, const float *gradient, size_t length, size_t size,
                                               size_t count) {
    size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x;
    if (i < count) to[(i / size + 1) * length - size + i % size] += gradient[i];
}

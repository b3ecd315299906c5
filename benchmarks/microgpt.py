"""A GPT of scalars that learns to spell: `python -m benchmarks.microgpt`. A program to measure engines by.

One layer, in the style of microgpt: token and position embedding, RMS norm, attention of 4 heads, an MLP, softmax and
Adam, one name at a time. Of an engine it needs `Value` alone: `data`, `grad`, `+ - * /`, `** -0.5`, `sum(...)`,
`.relu()`, `.exp()`, `.log()`, `backward()`. The harness runs it with another Value in place of the imported one.

The names are those of the characters of HTML 4 ("alpha", "hearts", ...): the standard library ships them, and they
are the same in every version of Python.
"""

import math
import random
from html.entities import name2codepoint
from itertools import pairwise

from autograd import Value

NAMES = sorted(name for name in name2codepoint if name.isalpha() and name.islower())
LETTERS = [".", *sorted(set("".join(NAMES)))]  # "." begins and ends a name
WIDTH, HEADS, LENGTH = 16, 4, 9
HEAD = WIDTH // HEADS


def model():
    def matrix(rows, columns, scale=0.08):
        return [[Value(random.gauss(0, scale)) for _ in range(columns)] for _ in range(rows)]

    return {
        "token": matrix(len(LETTERS), WIDTH),
        "position": matrix(LENGTH, WIDTH),
        "query": matrix(WIDTH, WIDTH),
        "key": matrix(WIDTH, WIDTH),
        "value": matrix(WIDTH, WIDTH),
        "attention": matrix(WIDTH, WIDTH),
        "expand": matrix(4 * WIDTH, WIDTH),
        "contract": matrix(WIDTH, 4 * WIDTH),
        "letters": matrix(len(LETTERS), WIDTH),
    }


def linear(matrix, x):
    return [sum(w * xi for w, xi in zip(row, x)) for row in matrix]


def normalized(x):
    scale = (sum(xi * xi for xi in x) / len(x) + 1e-5) ** -0.5
    return [xi * scale for xi in x]


def softmax(logits):
    largest = max(logit.data for logit in logits)
    exponentials = [(logit - largest).exp() for logit in logits]
    total = sum(exponentials)
    return [e / total for e in exponentials]


def attend(query, keys, values):
    mixed = []
    for start in range(0, WIDTH, HEAD):
        part = slice(start, start + HEAD)
        scores = [sum(q * k for q, k in zip(query[part], key[part])) / HEAD**0.5 for key in keys]
        weights = softmax(scores)
        mixed += [sum(w * value[i] for w, value in zip(weights, values)) for i in range(start, start + HEAD)]
    return mixed


def following(gpt, token, position, keys, values):
    """The probability of each letter to come next; keys and values are those of the letters before, and grow."""
    x = [t + p for t, p in zip(gpt["token"][token], gpt["position"][position])]
    h = normalized(x)
    keys.append(linear(gpt["key"], h))
    values.append(linear(gpt["value"], h))
    attention = linear(gpt["attention"], attend(linear(gpt["query"], h), keys, values))
    x = [a + b for a, b in zip(x, attention)]
    hidden = [h.relu() for h in linear(gpt["expand"], normalized(x))]
    x = [a + b for a, b in zip(x, linear(gpt["contract"], hidden))]
    return softmax(linear(gpt["letters"], x))


def loss_of(gpt, name):
    tokens = [LETTERS.index(letter) for letter in f".{name}."]
    keys, values, losses = [], [], []
    for position, (token, target) in enumerate(pairwise(tokens)):
        losses.append(-following(gpt, token, position, keys, values)[target].log())
    return sum(losses) / len(losses)


def adam(parameters, means, squares, step, rate):
    rate, unbias = rate / (1 - 0.9**step), 1 - 0.99**step
    for i, p in enumerate(parameters):
        g = p.grad
        means[i] = m = 0.9 * means[i] + 0.1 * g
        squares[i] = v = 0.99 * squares[i] + 0.01 * g * g
        p.data -= rate * m / (math.sqrt(v / unbias) + 1e-8)
        p.grad = 0.0


def invented(gpt):
    """A name by the probabilities of the model. All positions are computed, whatever it ends with: the same work."""
    keys, values, token, letters = [], [], 0, ""
    for position in range(LENGTH):
        probabilities = following(gpt, token, position, keys, values)
        (token,) = random.choices(range(len(LETTERS)), weights=[p.data for p in probabilities])
        letters += LETTERS[token]
    return letters.split(".")[0]


def main(steps=200):
    random.seed(42)
    names = random.sample(NAMES, len(NAMES))
    gpt = model()
    parameters = [p for matrix in gpt.values() for row in matrix for p in row]
    means, squares, losses = [0.0] * len(parameters), [0.0] * len(parameters), []
    for step in range(steps):
        loss = loss_of(gpt, names[step % len(names)])
        loss.backward()
        adam(parameters, means, squares, step + 1, 0.02 * (1 - step / steps))
        losses.append(loss.data)
        print(f"step {step + 1:3}  loss {loss.data!r}")
    print("invented:", ", ".join(invented(gpt) for _ in range(3)))
    return losses


if __name__ == "__main__":
    main()

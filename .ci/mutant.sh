# The tests of one mutant of the engine in Python: 0 where all pass. What failed for the mutant before goes first; it often stood in the same row.
export AUTOGRAD_PURE_PYTHON=1
quick=tests/autograd/test_operations.py
core="tests/autograd/test_edges.py tests/autograd/test_graph.py tests/autograd/test_value.py
      tests/autograd/test_functional.py"
rest="tests/autograd/test_modes.py tests/autograd/test_anomaly.py tests/test_errors.py tests/test_package.py
      tests/autograd/test_expressions.py autograd/operations.py"

python -m pytest -x -q -p no:hypothesispytest --last-failed --last-failed-no-failures=none $quick $core $rest
test $? != 1 || exit 1
python -m pytest -x -q -p no:hypothesispytest $quick && python -m pytest -x -q -k 'not million' $core && python -m pytest -x -q $rest

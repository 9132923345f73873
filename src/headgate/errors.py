"""Exception and warning classes, and every message text as a named str.format template.

PyTorch 2.13's opening words are kept exactly; the comment above a text says which exception it belongs to and when it
is raised. Imports nothing and knows nothing of the code that raises.
"""


class WriteWarning(UserWarning):
    """A write that PyTorch's version counters do not see changed a value that a gradient depends on."""


class CutWarning(UserWarning):
    """A gradient was cut where the code probably did not mean to."""


class GradcheckError(RuntimeError):
    """gradcheck or gradgradcheck found a gradient that differs from the numerical one."""


# ---- backward: what was saved has changed or is gone (RuntimeError) -------------------------------------------------

# a saved value was written in place; `origin` is INPLACE_ORIGIN or "", `type` torch.FloatTensor, `shape` as a list,
# `node` the maker's name without "Backward" and what follows
INPLACE = ("one of the variables needed for gradient computation has been modified by an inplace operation: [{type} "
    "{shape}]{origin} is at version {version}; expected version {expected} instead.")
INPLACE_ORIGIN = ", which is output {number} of {node},"
# the graph's saved values were freed by an earlier backward, or are read after it
SECOND_BACKWARD = ("Trying to backward through the graph a second time (or directly access saved tensors after they "
    "have already been freed). Saved intermediate values of the graph are freed when you call .backward() or "
    "autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or if you "
    "need to access saved tensors after calling backward.")
# a tensor saved as an input was cut by detach_() afterwards
SAVED_DETACHED = ("Trying to use a saved tensor that has been detached in-place, i.e. with .detach_().This is not "
    "supported, please use out-of-place `.detach()` instead")

# ---- backward and grad: their arguments -----------------------------------------------------------------------------

# RuntimeError: a root has no history
NO_GRAD_FN = "element {index} of tensors does not require grad and does not have a grad_fn"
# RuntimeError: no gradient given for a root with several elements
NOT_SCALAR = "grad can be implicitly created only for scalar outputs"
# RuntimeError: a given gradient has another shape than its root (both torch.Size)
GRAD_SHAPE = ("Mismatch in shape: grad_output[{index}] has a shape of {grad} and output[{index}] has a shape of "
    "{output}.")
# RuntimeError: more or fewer gradients than roots
GRAD_COUNT = "got {tensors} tensors and {gradients} gradients"
# TypeError: a gradient that is no tensor
GRAD_TYPE = "gradients can be either Tensors or None, but got {type}"
# RuntimeError: backward(inputs=[])
NO_INPUTS = "`inputs` argument to `backward()` cannot be empty."
# RuntimeError: autograd.grad for an input that the outputs do not depend on
UNUSED = ("The differentiated Tensor at index {index} appears to not have been used in the graph. Set "
    "allow_unused=True if this is the desired behavior.")
# RuntimeError: autograd.grad for an input without requires_grad
INPUT_NO_GRAD = "One of the differentiated Tensors does not require grad"
# ValueError: materialize_grads=True with allow_unused=False
MATERIALIZE_UNUSED = ("Expected allow_unused to be True or not passed when materialize_grads=True, but got: "
    "allow_unused=False.")
# RuntimeError: a node's gradient does not fit the input it is for (shapes as lists)
BAD_GRADIENT = ("Function {node} returned an invalid gradient at index {index} - got {got} but expected shape "
    "compatible with {expected}")

# ---- in-place writes that are forbidden (RuntimeError) --------------------------------------------------------------

LEAF = "a leaf Variable that requires grad is being used in an in-place operation."
LEAF_VIEW = "a view of a leaf Variable that requires grad is being used in an in-place operation."
# what is written is an output of split, chunk, unbind ... or a view of one; `node` as in INPLACE_ORIGIN
MULTI_VIEW = ("Output {number} of {node} is a view and is being modified inplace. This view is the output of a "
    "function that returns multiple views. Such functions do not allow the output views to be modified inplace. You "
    "should replace the inplace operation by an out-of-place one.")
# a view made under no_grad is written with grad mode on
NO_GRAD_VIEW = ("A view was created in no_grad mode and is being modified inplace with grad mode enabled. Given that "
    "this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view "
    "and the inplace either both inside the no_grad block (if you don't want the inplace to be tracked) or both "
    "outside (if you want the inplace to be tracked).")
# a view made in inference mode, of a normal tensor, is written outside
INFERENCE_VIEW = ("A view was created in inference mode and is being modified inplace in normal mode. Given that this "
    "use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and "
    "the inplace either both inside the inference_mode block (if you don't want the inplace to be tracked) or both "
    "outside (if you want the inplace to be tracked).")
# with history of its own, a view of such a view; stands for the text's first words
VIEW_OF_VIEW = "Output {number} of {node} is a view of a view which was"
# a view made by a custom Function, or an input it returned as it is
CUSTOM_VIEW = ("Output {number} of {node} is a view and is being modified inplace. This view was created inside a "
    "custom Function (or because an input was returned as-is) and the autograd logic to handle view+inplace would "
    "override the custom backward associated with the custom Function, leading to incorrect gradients. This behavior "
    "is forbidden. You can fix this by cloning the output of the custom Function.")
INFERENCE_WRITE = ("Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to "
    "get a normal tensor before doing inplace update.")
# several elements of what is written share their memory (an expanded tensor)
OVERLAP = ("unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
    "Please clone() the tensor before performing the operation.")
# what is read and what is written overlap without being the same
PARTIAL_OVERLAP = ("unsupported operation: some elements of the input tensor and the written-to tensor refer to a "
    "single memory location. Please clone() the tensor before performing the operation.")
# an in-place operation whose broadcast result is larger than the tensor (shapes as lists)
INPLACE_SHAPE = "output with shape {output} doesn't match the broadcast shape {shape}"
# in place or out=: the result's category is higher than the target's (Float, Long: type names as in TYPE_NAMES)
RESULT_TYPE = "result type {result} can't be cast to the desired output type {output}"
OUT_GRAD = ("{function}(): functions with out=... arguments don't support automatic differentiation, but one of the "
    "arguments requires grad.")
# UserWarning: out= has elements and another shape (shapes as lists)
OUT_RESIZED = ("An output with one or more elements was resized since it had shape {shape}, which does not match the "
    "required output shape {required}. This behavior is deprecated, and in a future PyTorch release outputs will not "
    "be resized unless they have zero elements. You can explicitly reuse an out tensor t by resizing it, inplace, to "
    "zero elements with t.resize_(0).")
# resize_ of a tensor that requires grad
RESIZE_GRAD = "cannot resize variables that require grad"

# ---- inference tensors (RuntimeError) -------------------------------------------------------------------------------

INFERENCE_SAVED = ("Inference tensors cannot be saved for backward. Please do not use Tensors created in inference "
    "mode in computation tracked by autograd. To work around this, you can make a clone to get a normal tensor and "
    "use it in autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`.")
INFERENCE_REQUIRES_GRAD = "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed."
INFERENCE_VERSION = "Inference tensors do not track version counter."

# ---- a tensor's own autograd state ----------------------------------------------------------------------------------

# RuntimeError: detach_() of a view
DETACH_VIEW = "Can't detach views in-place. Use detach() instead."
# RuntimeError: copy.deepcopy of a tensor with history
DEEPCOPY = "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment."
# RuntimeError: requires_grad set to False on a tensor with history
NON_LEAF_FLAG = ("you can only change requires_grad flags of leaf variables. If you want to use a computed variable "
    "in a subgraph that doesn't require differentiation use var_no_grad = var.detach().")
# RuntimeError: requires_grad on integers and bools: by attribute; by requires_grad_(); at creation
INTEGER_FLAG = "only Tensors of floating point and complex dtype can require gradients"
INTEGER_REQUIRES_GRAD_ = "only Tensors of floating point dtype can require gradients"
INTEGER_CREATION = "Only Tensors of floating point and complex dtype can require gradients"
# RuntimeError: t.requires_grad = 1
FLAG_BOOL = "requires_grad must be a bool"
# TypeError, RuntimeError ...: t.grad = something (shapes as lists, grad's dtype in C's words, the tensor's as Float)
GRAD_ASSIGN_TYPE = "assigned grad expected to be a Tensor or None but got grad of type {type}"
GRAD_ASSIGN_SHAPE = ("attempting to assign a gradient of size '{grad}' to a tensor of size '{tensor}'. Please ensure "
    "that the gradient and the tensor are the same size")
GRAD_ASSIGN_DTYPE = ("attempting to assign a gradient with dtype '{grad}' to a tensor with grad_dtype '{tensor}'. The "
    "gradient must match the tensor's grad_dtype (defaults to the tensor's dtype).")
GRAD_ASSIGN_SELF = "can't assign Variable as its own grad"
# UserWarning: .grad of a tensor with history that does not retain it is read
GRAD_NON_LEAF = ("The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute "
    "won't be populated during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf "
    "Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure you "
    "access the leaf Tensor instead.")
# TypeError, RuntimeError: t.data = something
DATA_TYPE = "Variable data has to be a tensor, but got {type}"
DATA_DTYPE = "data set to a tensor that requires gradients must be floating point or complex dtype"
# AttributeError: assignment to shape, grad_fn, is_leaf ...
READ_ONLY = "attribute '{name}' of 'torch._C.TensorBase' objects is not writable"
# UserWarning: Variable(volatile=True); reading .volatile
VOLATILE = "volatile was removed and now has no effect. Use `with torch.no_grad():` instead."
VOLATILE_READ = "volatile was removed (Variable.volatile is always False)"

# ---- hooks ----------------------------------------------------------------------------------------------------------

# RuntimeError
HOOK_NO_GRAD = "cannot register a hook on a tensor that doesn't require gradient"
HOOK_POST_NON_LEAF = "post accumulate grad hooks cannot be registered on non-leaf tensors"
RETAIN_NO_GRAD = "can't retain_grad on Tensor that has requires_grad=False"
# TypeError: a tensor hook returned no tensor; a node's hook returned no tuple
HOOK_RETURN = "expected Variable, but hook returned '{type}'"
HOOK_RETURN_TUPLE = "expected tuple, but hook returned '{type}'"
# RuntimeError: a hook changed what may not change (types torch.FloatTensor; `hook` is its __name__)
HOOK_SIZE = "hook '{hook}' has changed the size of value"
HOOK_TYPE = "hook '{hook}' has changed the type of value (was {was} got {got})"
HOOK_COUNT = "hook '{hook}' has returned an incorrect number of values (got {got}, but expected {expected})"
MULTI_HOOK = "Expected gradient function to be set"  # AssertionError
HOOK_FROM_NONE = "can't replace a None gradient with a non-None value"
# saved_tensors_hooks: TypeError, RuntimeError, RuntimeError
UNPACK_TYPE = "Output of saved tensor unpack_hook expected to be a Tensor but got result of type {type}"
UNPACKED_KIND = "expected scalar type Long but found {got}"
PACK_WRITE = ("A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook "
    "cannot be modified by in-place operations as this can lead to unexpected side-effects. Please open an issue if "
    "you need to perform in-place operations on the input to a pack hook.")
HOOKS_TWICE = ("Calling register_hooks on a saved tensor whose hooks have already been set. Hint: only one pair of "
    "hooks is allowed at a time.")

# ---- custom Function ------------------------------------------------------------------------------------------------

# NotImplementedError
FUNCTION_FORWARD = "You must implement the forward function for custom autograd.Function."
FUNCTION_BACKWARD = ("You must implement either the backward or vjp method for your custom autograd.Function to use "
    "it with backward mode AD.")
FUNCTION_JVP = "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
# RuntimeError: what backward returned (`node` is MineBackward; positions count from 1)
FUNCTION_COUNT = "function {node} returned an incorrect number of gradients (expected {expected}, got {got})"
FUNCTION_RETURN = "expected Variable or None (got {type})"
FUNCTION_NOT_NONE = ("function {node} returned a gradient different than None at position {position}, but the "
    "corresponding forward input was not a Variable")
# TypeError: save_for_backward of something else
FUNCTION_SAVE = "save_for_backward can only save variables, but argument {index} is of type {type}"
# RuntimeError: mark_dirty
LEAF_IN_GRAD = ("A leaf node was passed to _will_engine_execute_node but we are currently running autograd.grad(). "
    "This is currently not supported.")
DIRTY_LEAF = "a leaf Variable that requires grad has been used in an in-place operation."
DIRTY_RETURNED = ("Some elements marked as dirty during the forward method were not returned as output. The inputs "
    "that are modified inplace must all be outputs of the Function.")
DIRTY_TYPE = "mark_dirty can only accept variables, but argument "
DIRTY_VIEW = ("If your Function modifies inplace an input that is a view of another Tensor, your Function cannot "
    "return more than one Tensor. This is not supported by the current autograd engine.")
# RuntimeError, TypeError
NON_DIFFERENTIABLE_TYPE = "mark_non_differentiable only accepts variable arguments, but got "
MATERIALIZE_TYPE = "set_materialize_grads received an invalid combination of arguments"
# RuntimeError: a second derivative of a once_differentiable backward
ONCE = "trying to differentiate twice a function that was marked with @once_differentiable"
# RuntimeError: an instance was called; DeprecationWarning: an instance was made
FUNCTION_LEGACY = ("Legacy autograd function with non-static forward method is deprecated. Please use new-style "
    "autograd function with static forward method. (Example: "
    "https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)")
FUNCTION_INSTANCE = "{type} should not be instantiated. Methods on autograd functions are all static"

# ---- shapes and dimensions ------------------------------------------------------------------------------------------

# RuntimeError: two shapes do not broadcast
BROADCAST = "The size of tensor a ({a}) must match the size of tensor b ({b}) at non-singleton dimension {dim}"
# RuntimeError: expand, and assignment by index
EXPAND = ("The expanded size of the tensor ({target}) must match the existing size ({size}) at non-singleton "
    "dimension {dim}.  Target sizes: {targets}.  Tensor sizes: {sizes}")
EXPAND_DIMS = ("expand({type}{{{shape}}}, size={size}): the number of sizes provided ({provided}) must be greater or "
    "equal to the number of dimensions in the tensor ({dims})")
EXPAND_LEADING = "The expanded size of the tensor ({target}) isn't allowed in a leading, non-existing dimension {dim}"
# IndexError: a dimension that is not there (0-dim tensors count as one-dimensional: low -1, high 0)
DIM = "Dimension out of range (expected to be in range of [{low}, {high}], but got {dim})"
# RuntimeError
DIM_TWICE = "dim {dim} appears multiple times in the list of dims"
PERMUTE_TWICE = "permute(): duplicate dims are not allowed."
PERMUTE_COUNT = ("permute(sparse_coo): number of dimensions in the tensor input does not match the length of the "
    "desired ordering of dimensions i.e. input.dim() = {dims} is not equal to len(dims) = {given}")
T_DIMS = "t() expects a tensor with <= 2 dimensions, but self is {dims}D"
MT_DIMS = "tensor.mT is only supported on matrices or batches of matrices. Got {dims}-D tensor."
VIEW_STRIDE = ("view size is not compatible with input tensor's size and stride (at least one dimension spans across "
    "two contiguous subspaces). Use .reshape(...) instead.")
VIEW_SIZE = "shape '{shape}' is invalid for input of size {size}"
VIEW_INFER = "only one dimension can be inferred"
VIEW_NEGATIVE = "invalid shape dimension {size} at index {index} of shape {shape}"
VIEW_EMPTY = ("cannot reshape tensor of 0 elements into shape {shape} because the unspecified dimension size -1 can "
    "be any value and is ambiguous")
FLATTEN = "flatten() has invalid args: start_dim cannot come after end_dim"
UNFLATTEN = "unflatten: Provided sizes {sizes} don't multiply up to the size of dim {dim} ({size}) in the input tensor"
MOVEDIM = ("movedim: Invalid source or destination dims: source ({source} dims) should contain the same number of "
    "dims as destination ({destination} dims)")
SPLIT_SUM = ("split_with_sizes expects split_sizes to sum exactly to {size} (input tensor's size at dimension {dim}), "
    "but got split_sizes={sizes}")
SPLIT_NEGATIVE = "split expects split_size be non-negative, but got split_size={size}"
CHUNKS = "chunk expects `chunks` to be greater than 0, got: {chunks}"
REPEAT_DIMS = "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor"
UNFOLD = "maximum size for tensor at dimension {dim} is {size} but size is {wanted}"
AS_STRIDED = ("setStorage: sizes {sizes}, strides {strides}, storage offset {offset}, and itemsize {itemsize} "
    "requiring a storage size of {required} are out of bounds for storage of size {size}")
NARROW = "start ({start}) + length ({length}) exceeds dimension size ({size})."
NARROW_START = "start out of range (expected to be in range of [{low}, {high}], but got {start})"  # IndexError
NARROW_LENGTH = "narrow(): length must be non-negative."
# cat and stack (ValueError for CAT_NONE, TypeError for CAT_ELEMENT, else RuntimeError)
CAT_NONE = "torch.cat(): expected a non-empty list of Tensors"
CAT_ELEMENT = "expected Tensor as element {index} in argument 0, but got {type}"
CAT_SIZES = ("Sizes of tensors must match except in dimension {dim}. Expected size {expected} but got size {got} for "
    "tensor number {number} in the list.")
CAT_DIMS = "Tensors must have same number of dimensions: got {first} and {other}"
CAT_ZERO_DIM = "zero-dimensional tensor (at position {index}) cannot be concatenated"
STACK_NONE = "stack expects a non-empty TensorList"
STACK_SIZES = "stack expects each tensor to be equal size, but got {first} at entry 0 and {other} at entry {index}"
# RuntimeError: sizes of a new tensor
NEGATIVE_SIZE = "{function}: Dimension size must be non-negative."
NEGATIVE_DIMENSION = "Trying to create tensor with negative dimension {size}: {shape}"
SIZE_ITEM = "torch.Size() takes an iterable of 'int' (item {index} is '{type}')"  # TypeError
SIZE_ADD = "can only concatenate tuple (not {type}) to torch.Size"  # TypeError

# ---- reductions -----------------------------------------------------------------------------------------------------

# RuntimeError (argmax, argmin: IndexError with the first sentence only): nothing to reduce
REDUCE_EMPTY = ("{function}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction "
    "dim with the 'dim' argument.")
REDUCE_EMPTY_DIM = "{function}(): Expected reduction dim {dim} to have non-zero size."  # IndexError
MEAN_DTYPE = ("mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
    "Got: {dtype}")
VAR_DTYPE = "std and var only support floating point and complex dtypes"
NORM_DTYPE = "linalg.vector_norm: Expected a floating point or complex tensor as input. Got {dtype}"
TOPK = "selected index k out of range"

# ---- products (RuntimeError; dtypes as Float, or in C's words where said) -------------------------------------------

MM_SHAPES = "mat1 and mat2 shapes cannot be multiplied ({n}x{k} and {k2}x{m})"
MM_SELF = "self must be a matrix"
ADDMM_MATRIX = "{name} must be a matrix, got {dims}-D tensor"
MM_DTYPE = "expected m1 and m2 to have the same dtype, but got: {first} != {second}"  # float, double, long int
BMM_SHAPES = "Expected size for first two dimensions of batch2 tensor to be: [{batch}, {k}] but got: [{batch2}, {k2}]."
BMM_DIMS = "{name} must be a 3D tensor"
BMM_DTYPE = "expected scalar type {first} but found {second}"
MV_SHAPES = "size mismatch, got input ({n}), mat ({n}x{k}), vec ({size})"
MV_DIMS = "vector + matrix @ vector expected, got {input}, {matrix}, {vector}"
MV_DTYPE = "addmv input tensors must have the same dtype, but got {vector}, {matrix}, and {vector}"
ADDMM_DTYPE = "self and mat2 must have the same dtype, but got {first} and {second}"
DOT_SIZES = ("inconsistent tensor size, expected tensor [{a}] and src [{b}] to have the same number of elements, but "
    "got {a} and {b} elements respectively")
DOT_DIMS = "1D tensors expected, but got {first}D and {second}D tensors"
DOT_DTYPE = "dot : expected both vectors to have same dtype, but found {first} and {second}"
MATMUL_DIMS = "both arguments to matmul need to be at least 1D, but they are {first}D and {second}D"
EINSUM_SIZE = ("einsum(): subscript {letter} has size {size} for operand {operand} which does not broadcast with "
    "previously seen size {seen}")
EINSUM_FEWER = "einsum(): fewer operands were provided than specified in the equation"

# ---- indexing (IndexError unless said) ------------------------------------------------------------------------------

INDEX_RANGE = "index {index} is out of bounds for dimension {dim} with size {size}"  # gather, scatter: RuntimeError
INDEX_MANY = "too many indices for tensor of dimension {dims}"
INDEX_ZERO_DIM = ("invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to "
    "convert a 0-dim tensor to a number")
INDEX_TYPE = ("only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got "
    "{type})")
INDEX_DTYPE = "tensors used as indices must be long, int, byte or bool tensors"
STEP = "step must be greater than zero"  # ValueError
STEP_ZERO = "slice step cannot be zero"  # ValueError
MASK_SHAPE = ("The shape of the mask {mask} at index {dim} does not match the shape of the indexed tensor {tensor} at "
    "index {dim}")
INDEX_BROADCAST = "shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}"
# RuntimeError: x[index] = value
INDEX_VALUE = "shape mismatch: value tensor of shape {value} cannot be broadcast to indexing result of shape {result}"
INDEX_PUT_DTYPE = ("Index put requires the source and destination dtypes match, got {destination} for the destination "
    "and {source} for the source.")
INDEX_ASSIGN = "can't assign a {value} to a {tensor}"  # TypeError
INDEX_DELETE = "Tensor does not support deleting items"  # TypeError
SELECT_RANGE = "select(): index {index} out of range for tensor of size {shape} at dimension {dim}"
SELECT_ZERO_DIM = "select() cannot be applied to a 0-dim tensor."
INDEX_SELECT_RANGE = "index out of range in self"
INDEX_SELECT_DTYPE = "index_select(): Expected dtype int32 or int64 for index"  # RuntimeError
INDEX_SELECT_DIMS = "index_select(): Index is supposed to be a vector"
TAKE_RANGE = "out of range: tried to access index {index} on a tensor of {size} elements."
# RuntimeError: gather, scatter, index_add
GATHER_DTYPE = "{function}(): Expected dtype int32/int64 for index"
GATHER_DIMS = "Index tensor must have the same number of dimensions as {name} tensor"
GATHER_SIZE = ("Size does not match at dimension {at} expected index {index} to be no larger than self {shape} apart "
    "from dimension {dim}")
SCATTER_DTYPE = "{function}(): Expected self.dtype to be equal to src.dtype"
SCATTER_SIZE = ("Expected index {index} to be no larger than self {shape} apart from dimension {dim} and to be no "
    "larger size than src {src}")
INDEX_ADD_COUNT = ("index_add_(): Number of indices ({count}) should be equal to source.size(dim): ({size}), for dim: "
    "{dim}")
# RuntimeError: masks
MASKED_SELECT = "masked_select: expected BoolTensor for mask"
MASKED_FILL = "masked_fill_ only supports boolean masks, but got mask with dtype {dtype}"
MASKED_FILL_VALUE = "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {dims} dimension(s)."
WHERE = "where expected condition to be a boolean tensor, but got a tensor with dtype {dtype}"
FILL_VALUE = "fill_ only supports 0-dimension value tensor but got tensor with {dims} dimensions."

# ---- arithmetic -----------------------------------------------------------------------------------------------------

# RuntimeError
INTEGER_POWER = "Integers to negative integer powers are not allowed."
ZERO_DIVISION = "ZeroDivisionError"
ROUNDING_MODE = "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{mode}'"
BOOL_SUBTRACT = ("Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or "
    "`logical_xor()` operator instead.")
BOOL_NEGATIVE = ("Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, "
    "use the `~` or `logical_not()` operator instead.")
ALPHA_FLOAT = "For integral input tensors, argument alpha must not be a floating point number."
CLAMP_NONE = "torch.clamp: At least one of 'min' or 'max' must not be None"
OVERFLOW = "value cannot be converted to type {type} without overflow"
# NotImplementedError: no such operation for the type (Float, Long)
NOT_FOR_DTYPE = "\"{kernel}\" not implemented for '{dtype}'"
INVERT_FLOAT = "~ (operator.invert) is only implemented on integer and Boolean-type tensors"  # TypeError
# TypeError: an argument of a foreign type
OPERAND = "unsupported operand type(s) for {operator}: '{left}' and '{right}'"
ARGUMENT = "{function}(): argument '{name}' (position {position}) must be {expected}, not {type}"
ARANGE_STEP = "step must be nonzero"
ARANGE_SIGN = "upper bound and lower bound inconsistent with step sign"
STEPS = "number of steps must be non-negative"

# ---- to Python, to NumPy and back -----------------------------------------------------------------------------------

NUMPY_GRAD = "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."  # RuntimeError
ITEM = "a Tensor with {count} elements cannot be converted to Scalar"  # RuntimeError: item()
ONE_ELEMENT = "only one element tensors can be converted to Python scalars"  # ValueError: float(t), int(t)
BOOL_MANY = "Boolean value of Tensor with more than one value is ambiguous"  # RuntimeError
BOOL_EMPTY = "Boolean value of Tensor with no values is ambiguous"  # RuntimeError
AS_INDEX = "only integer tensors of a single element can be converted to an index"  # TypeError
LEN_ZERO_DIM = "len() of a 0-d tensor"  # TypeError
ITERATE_ZERO_DIM = "iteration over a 0-d tensor"  # TypeError
CONTAINS = "Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type}."  # RuntimeError
# UserWarning: float() of a tensor that requires grad; torch.tensor(tensor)
SCALAR_GRAD = ("Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.\nConsider "
    "using tensor.detach() first.")
COPY_CONSTRUCT = ("To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
    "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).")
NOT_AN_ARRAY = "expected np.ndarray (got {type})"  # TypeError
# ValueError
NEGATIVE_STRIDE = ("At least one stride in the given numpy array is negative, and tensors with negative strides are "
    "not currently supported. (You can probably work around this by making a copy of your array  with array.copy().) ")
BYTE_ORDER = ("given numpy array has byte order different from the native byte order. Conversion between byte orders "
    "is currently not supported.")
# TypeError: an array whose element type has no tensor counterpart
NUMPY_TYPE = ("can't convert np.ndarray of type numpy.{type}. The only supported types are: float64, float32, "
    "float16, complex64, complex128, int64, int32, int16, int8, uint8, and bool.")
# UserWarning
READ_ONLY_ARRAY = "The given NumPy array is not writable, and PyTorch does not support non-writable tensors."
DLPACK_GRAD = "Can't export tensors that require gradient, use tensor.detach()"  # BufferError
# torch.tensor: ValueError, RuntimeError
RAGGED = "expected sequence of length {expected} at dim {dim} (got {got})"
INFER_DTYPE = "Could not infer dtype of {type}"
# TypeError: Tensor._make_subclass with a class that is none
SUBCLASS = "Creating a Tensor subclass from a class that does not inherit from Tensor is not possible."

# ---- element types --------------------------------------------------------------------------------------------------

# ImportError: a bfloat16 array is needed and the package behind it is missing
BFLOAT16_PACKAGE = "torch.bfloat16 needs the package ml_dtypes (pip install ml_dtypes)"
# TypeError: set_default_dtype with another kind of type, with something that is no dtype
DEFAULT_DTYPE = "only floating-point types are supported as the default type"
DEFAULT_DTYPE_OBJECT = "invalid dtype object: only floating-point types are supported as the default type"
# TypeError: finfo, iinfo
DTYPE_ARGUMENT = "{function}(): argument 'type' (position 1) must be torch.dtype, not {type}"
FINFO = "torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo'"
IINFO = "torch.iinfo() requires an integer input type. Use torch.finfo to handle 'torch.iinfo'"
IINFO_BOOL = "torch.bool is not supported by torch.iinfo"
# TypeError: an operand that is neither a tensor nor a number; ValueError: result_type of nothing
NOT_A_NUMBER = "expected a number, got {type}"
NO_OPERANDS = "result_type expects at least one operand"

# ---- random numbers, losses -----------------------------------------------------------------------------------------

# RuntimeError
BERNOULLI = "Expected p_in >= 0 && p_in <= 1 to be true, but got false."
NORMAL_STD = "normal expects std >= 0.0, but found std {std}"
UNIFORM = "uniform_ expects to return a [from, to) range, but found from={low} > to={high}"
RANDINT = "random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"
# UserWarning: mse_loss with two shapes (torch.Size)
LOSS_SHAPES = ("Using a target size ({target}) that is different to the input size ({input}). This will likely lead "
    "to incorrect results due to broadcasting. Please ensure they have the same size.")
REDUCTION = "{reduction} is not a valid value for reduction"  # ValueError
TARGET_RANGE = "Target {target} is out of bounds."  # IndexError
TARGET_BATCH = "Expected input batch_size ({input}) to match target batch_size ({target})."  # ValueError
TARGET_DTYPE = "expected target dtype to be Long or Byte, but got {dtype}"  # RuntimeError

# ---- words for element types inside these texts: by dtype name, PyTorch's (Float) and C's (float) -------------------

TYPE_NAMES = {
    "bool": "Bool", "uint8": "Byte", "int8": "Char", "int16": "Short", "int32": "Int", "int64": "Long",
    "float16": "Half", "bfloat16": "BFloat16", "float32": "Float", "float64": "Double",
    "complex64": "ComplexFloat", "complex128": "ComplexDouble",
}  # fmt: skip
C_NAMES = {
    "bool": "bool", "uint8": "unsigned char", "int8": "signed char", "int16": "short int", "int32": "int",
    "int64": "long int", "float16": "c10::Half", "bfloat16": "c10::BFloat16", "float32": "float", "float64": "double",
    "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}  # fmt: skip

# ---- uninitialised parameters and buffers ----------------------------------------------------------------------------

UNINITIALIZED = (
    "Attempted to use an uninitialized parameter in {function}. This error happens when you are using a `LazyModule` "
    "or explicitly manipulating `torch.nn.parameter.{kind}` objects. When using LazyModules Call `forward` with a "
    "dummy batch to initialize the parameters before calling torch functions"
)
UNINITIALIZED_SHAPE = (
    "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in `load_state_dict` "
    "when trying to load an uninitialized parameter into an initialized one. Call `forward` to initialize the "
    "parameters before accessing their attributes."
)
UNINITIALIZED_SHARED = (
    "Can't share memory on an uninitialized parameter or buffer. Call `forward` to initialize the parameters before "
    "calling `module.share_memory()`."
)

# What the gradient of an op says of an index or a mask that an unpack hook gave another type.
_CHECKED = "adaptive_max_pool2d adaptive_max_pool3d embedding index_reduce max_pool2d max_pool3d".split()
_ALONG = "gather cummax cummin kthvalue max median min mode msort nanmedian scatter sort topk".split()
UNPACKED_KINDS = {
    **dict.fromkeys([*_CHECKED, "max_unpool2d", "nll_loss", "scatter_reduce"], (RuntimeError, UNPACKED_KIND)),
    **dict.fromkeys(_ALONG, (RuntimeError, GATHER_DTYPE.format(function="scatter"))),
    "index_select": (RuntimeError, "index_add_(): Expected dtype int32/int64 for index but got: {got}"),
    "index_add": (RuntimeError, INDEX_SELECT_DTYPE),
    "index_copy": (IndexError, "index_fill_(): Expected dtype int64 for index."),
    "index_fill": (IndexError, "index_fill_(): Expected dtype int64 for index."),
    "index": (IndexError, "tensors used as indices must be long, int, byte or bool tensors"),
    "index_put": (IndexError, "tensors used as indices must be long, int, byte or bool tensors"),
    "put": (RuntimeError, "take(): Expected a long tensor for index, but got {got}"),
    "take": (RuntimeError, "put_(): Expected a long tensor for index, but got {got}"),
    "scatter_add": (RuntimeError, GATHER_DTYPE.format(function="gather")),
    "masked_fill": (RuntimeError, MASKED_FILL.format(dtype="{c}")),
    "masked_scatter": (RuntimeError, MASKED_FILL.format(dtype="{c}")),
    "masked_select": (RuntimeError, "masked_scatter_ only supports boolean masks, but got mask with dtype {got}"),
    "where": (RuntimeError, WHERE.format(dtype="{got}")),
}

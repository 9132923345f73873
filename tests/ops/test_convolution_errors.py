"""What convolutions, pools, padding, folds and shuffles refuse: PyTorch's class of error and its opening words.

Each case is an expression in F (nn.functional), L (the library) and a few tensors; where PyTorch gives a value, the
shapes agree.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch

import headgate

CASES = [
    "F.conv2d(x[None],w,b)", "F.conv2d(x[0,0],w,b)", "F.conv2d(x,w[0],b)", "F.conv2d(x[:,:2],w,b)",
    "F.conv2d(L.ones(2,9,8,8),w,None,groups=3)", "F.conv2d(x,w,b,groups=0)",
    "F.conv2d(L.ones(2,24,8,8),w,b,groups=8)", "F.conv2d(x,w,b[:2])", "F.conv2d(x,w,L.ones(4,1))",
    "F.conv2d(x,w,b,stride=0)", "F.conv2d(x,w,b,stride=(1,1,1))", "F.conv2d(x,w,b,dilation=0)",
    "F.conv2d(x,w,b,padding=-1)", "F.conv2d(x,w,b,padding=(1,1,1))", "F.conv2d(x,L.ones(4,3,9,9))",
    "F.conv2d(x,w,padding='same',stride=2)", "F.conv2d(x,w,padding='foo')", "F.conv2d(x.double(),w,b)",
    "F.conv2d(x.double(),w)", "F.conv2d(x.long(),w)", "F.conv2d(x,w,b.double())",
    "F.conv2d(L.ones(2,3,0,8),w,padding=2)", "F.conv2d(object(),w)", "F.conv2d(x,object())",
    "F.conv2d(x,w,stride=1.5)", "F.conv1d(L.ones(8),w)", "F.conv_transpose2d(x[:,:2],wt,b)",
    "F.conv_transpose2d(x,wt,b[:2])", "F.conv_transpose2d(x,wt,b,stride=2,output_padding=2)",
    "F.conv_transpose2d(x,wt,b,stride=2,output_padding=-1)",
    "F.conv_transpose2d(L.ones(2,3,8,8),L.ones(3,2,3,3),None,groups=2)", "F.conv_transpose2d(L.ones(8,8),wt,b)",
    "F.conv_transpose2d(L.ones(2,3,4,3),wt,None,1,(0,2))", "F.conv_transpose2d(L.ones(1,3,4,3),wt,None,1,(0,2))",
    "F.conv_transpose2d(L.ones(2,3,4,3),wt,None,1,(0,2),(1,0),1,(2,1))",
    "F.conv_transpose2d(L.ones(1,3,90,90),wt,None,1,(0,46))", "F.conv_transpose1d(L.ones(1,3,3),wt[0],None,1,(2,))",
    "F.conv_transpose2d(L.ones(1,3,4,4),L.ones(3,4,4,5),None,1,(0,4))",
    "F.conv_transpose2d(L.ones(2,3,4,3,dtype=L.float64),wt.double(),None,1,(0,2))",
    "L.conv_tbc(L.ones(5,2),L.ones(3,3,4),L.ones(4),1)", "L.conv_tbc(L.ones(5,2,3),L.ones(3,2,4),L.ones(4),1)",
    "F.max_pool1d(x1[0,0],2)", "F.max_pool1d(x1[None],2)", "F.max_pool1d(x1,2,padding=2)",
    "F.max_pool1d(x1,2,padding=-1)", "F.max_pool1d(x1,0)", "F.max_pool1d(x1,2,stride=0)", "F.max_pool1d(x1,20)",
    "F.max_pool1d(x1,(2,)*4)", "F.max_pool1d(x1,2,stride=(2,)*4)", "F.max_pool1d(x1.bool(),2)",
    "F.max_pool1d(object(),2)", "F.max_pool1d(x1,2.5)", "F.max_pool1d(x1[:0],2)", "F.max_pool1d(x1[:,:0],2)",
    "F.max_pool1d(x1,2,dilation=0)", "F.max_pool1d(x1.long(),2)", "F.adaptive_max_pool1d(x1[0,0],3)",
    "F.adaptive_max_pool1d(x1,(None,)+(2,)*0)", "F.adaptive_max_pool1d(x1,-1)", "F.adaptive_max_pool1d(x1,(2,)*4)",
    "F.adaptive_max_pool1d(x1.long(),2)", "F.adaptive_max_pool1d(object(),2)", "F.adaptive_max_pool1d(x1[...,:0],2)",
    "F.adaptive_max_pool1d(x1,0)", "F.avg_pool1d(x1[0,0],2)", "F.avg_pool1d(x1[None],2)",
    "F.avg_pool1d(x1,2,padding=2)", "F.avg_pool1d(x1,2,padding=-1)", "F.avg_pool1d(x1,0)",
    "F.avg_pool1d(x1,2,stride=0)", "F.avg_pool1d(x1,20)", "F.avg_pool1d(x1,(2,)*4)",
    "F.avg_pool1d(x1,2,stride=(2,)*4)", "F.avg_pool1d(x1.bool(),2)", "F.avg_pool1d(object(),2)",
    "F.avg_pool1d(x1,2.5)", "F.avg_pool1d(x1[:0],2)", "F.avg_pool1d(x1[:,:0],2)", "F.avg_pool1d(x1.long(),2)",
    "F.adaptive_avg_pool1d(x1[0,0],3)", "F.adaptive_avg_pool1d(x1,(None,)+(2,)*0)", "F.adaptive_avg_pool1d(x1,-1)",
    "F.adaptive_avg_pool1d(x1,(2,)*4)", "F.adaptive_avg_pool1d(x1.long(),2)", "F.adaptive_avg_pool1d(object(),2)",
    "F.adaptive_avg_pool1d(x1[...,:0],2)", "F.adaptive_avg_pool1d(x1,0)",
    "F.max_unpool1d(*F.max_pool1d(x1,2,return_indices=True),2,output_size=(20,)*1)",
    "F.max_unpool1d(*F.max_pool1d(x1,2,return_indices=True),2,output_size=(20,)*5)",
    "(lambda v,i: F.max_unpool1d(v,i[:1],2))(*F.max_pool1d(x1,2,return_indices=True))",
    "(lambda v,i: F.max_unpool1d(v,i.int(),2))(*F.max_pool1d(x1,2,return_indices=True))",
    "(lambda v,i: F.max_unpool1d(v,i+1000,2,output_size=x1.shape))(*F.max_pool1d(x1,2,return_indices=True))",
    "F.max_pool2d(x[0,0],2)", "F.max_pool2d(x[None],2)", "F.max_pool2d(x,2,padding=2)",
    "F.max_pool2d(x,2,padding=-1)", "F.max_pool2d(x,0)", "F.max_pool2d(x,2,stride=0)", "F.max_pool2d(x,20)",
    "F.max_pool2d(x,(2,)*4)", "F.max_pool2d(x,2,stride=(2,)*4)", "F.max_pool2d(x.bool(),2)",
    "F.max_pool2d(object(),2)", "F.max_pool2d(x,2.5)", "F.max_pool2d(x[:0],2)", "F.max_pool2d(x[:,:0],2)",
    "F.max_pool2d(x,2,dilation=0)", "F.max_pool2d(x.long(),2)", "F.adaptive_max_pool2d(x[0,0],3)",
    "F.adaptive_max_pool2d(x,(None,)+(2,)*1)", "F.adaptive_max_pool2d(x,-1)", "F.adaptive_max_pool2d(x,(2,)*4)",
    "F.adaptive_max_pool2d(x.long(),2)", "F.adaptive_max_pool2d(object(),2)", "F.adaptive_max_pool2d(x[...,:0],2)",
    "F.adaptive_max_pool2d(x,0)", "F.avg_pool2d(x[0,0],2)", "F.avg_pool2d(x[None],2)", "F.avg_pool2d(x,2,padding=2)",
    "F.avg_pool2d(x,2,padding=-1)", "F.avg_pool2d(x,0)", "F.avg_pool2d(x,2,stride=0)", "F.avg_pool2d(x,20)",
    "F.avg_pool2d(x,(2,)*4)", "F.avg_pool2d(x,2,stride=(2,)*4)", "F.avg_pool2d(x.bool(),2)",
    "F.avg_pool2d(object(),2)", "F.avg_pool2d(x,2.5)", "F.avg_pool2d(x[:0],2)", "F.avg_pool2d(x[:,:0],2)",
    "F.avg_pool2d(x.long(),2)", "F.adaptive_avg_pool2d(x[0,0],3)", "F.adaptive_avg_pool2d(x,(None,)+(2,)*1)",
    "F.adaptive_avg_pool2d(x,-1)", "F.adaptive_avg_pool2d(x,(2,)*4)", "F.adaptive_avg_pool2d(x.long(),2)",
    "F.adaptive_avg_pool2d(object(),2)", "F.adaptive_avg_pool2d(x[...,:0],2)", "F.adaptive_avg_pool2d(x,0)",
    "F.max_unpool2d(*F.max_pool2d(x,2,return_indices=True),2,output_size=(20,)*2)",
    "F.max_unpool2d(*F.max_pool2d(x,2,return_indices=True),2,output_size=(20,)*6)",
    "(lambda v,i: F.max_unpool2d(v,i[:1],2))(*F.max_pool2d(x,2,return_indices=True))",
    "(lambda v,i: F.max_unpool2d(v,i.int(),2))(*F.max_pool2d(x,2,return_indices=True))",
    "(lambda v,i: F.max_unpool2d(v,i+1000,2,output_size=x.shape))(*F.max_pool2d(x,2,return_indices=True))",
    "F.fractional_max_pool2d(x,2)", "F.fractional_max_pool2d(x,2,output_size=9)",
    "F.fractional_max_pool2d(x,5,output_size=6)", "F.fractional_max_pool2d(x,2,output_ratio=0.5)",
    "F.fractional_max_pool2d(x,2,output_size=3,_random_samples=L.ones(2,3,4))", "F.max_pool3d(x3[0,0],2)",
    "F.max_pool3d(x3[None],2)", "F.max_pool3d(x3,2,padding=2)", "F.max_pool3d(x3,2,padding=-1)", "F.max_pool3d(x3,0)",
    "F.max_pool3d(x3,2,stride=0)", "F.max_pool3d(x3,20)", "F.max_pool3d(x3,(2,)*4)",
    "F.max_pool3d(x3,2,stride=(2,)*4)", "F.max_pool3d(x3.bool(),2)", "F.max_pool3d(object(),2)",
    "F.max_pool3d(x3,2.5)", "F.max_pool3d(x3[:0],2)", "F.max_pool3d(x3[:,:0],2)", "F.max_pool3d(x3,2,dilation=0)",
    "F.max_pool3d(x3.long(),2)", "F.adaptive_max_pool3d(x3[0,0],3)", "F.adaptive_max_pool3d(x3,(None,)+(2,)*2)",
    "F.adaptive_max_pool3d(x3,-1)", "F.adaptive_max_pool3d(x3,(2,)*4)", "F.adaptive_max_pool3d(x3.long(),2)",
    "F.adaptive_max_pool3d(object(),2)", "F.adaptive_max_pool3d(x3[...,:0],2)", "F.adaptive_max_pool3d(x3,0)",
    "F.avg_pool3d(x3[0,0],2)", "F.avg_pool3d(x3[None],2)", "F.avg_pool3d(x3,2,padding=2)",
    "F.avg_pool3d(x3,2,padding=-1)", "F.avg_pool3d(x3,0)", "F.avg_pool3d(x3,2,stride=0)", "F.avg_pool3d(x3,20)",
    "F.avg_pool3d(x3,(2,)*4)", "F.avg_pool3d(x3,2,stride=(2,)*4)", "F.avg_pool3d(x3.bool(),2)",
    "F.avg_pool3d(object(),2)", "F.avg_pool3d(x3,2.5)", "F.avg_pool3d(x3[:0],2)", "F.avg_pool3d(x3[:,:0],2)",
    "F.avg_pool3d(x3.long(),2)", "F.adaptive_avg_pool3d(x3[0,0],3)", "F.adaptive_avg_pool3d(x3,(None,)+(2,)*2)",
    "F.adaptive_avg_pool3d(x3,-1)", "F.adaptive_avg_pool3d(x3,(2,)*4)", "F.adaptive_avg_pool3d(x3.long(),2)",
    "F.adaptive_avg_pool3d(object(),2)", "F.adaptive_avg_pool3d(x3[...,:0],2)", "F.adaptive_avg_pool3d(x3,0)",
    "F.max_unpool3d(*F.max_pool3d(x3,2,return_indices=True),2,output_size=(20,)*3)",
    "F.max_unpool3d(*F.max_pool3d(x3,2,return_indices=True),2,output_size=(20,)*7)",
    "(lambda v,i: F.max_unpool3d(v,i[:1],2))(*F.max_pool3d(x3,2,return_indices=True))",
    "(lambda v,i: F.max_unpool3d(v,i.int(),2))(*F.max_pool3d(x3,2,return_indices=True))",
    "(lambda v,i: F.max_unpool3d(v,i+1000,2,output_size=x3.shape))(*F.max_pool3d(x3,2,return_indices=True))",
    "F.fractional_max_pool3d(x3,2)", "F.fractional_max_pool3d(x3,2,output_size=9)",
    "F.fractional_max_pool3d(x3,5,output_size=6)", "F.fractional_max_pool3d(x3,2,output_ratio=0.5)",
    "F.fractional_max_pool3d(x3,2,output_size=3,_random_samples=L.ones(2,3,4))", "F.pad(x,(1,1),'reflect',value=3.5)",
    "F.pad(x,(1,1),'foo')", "F.pad(x,(1,1,1))", "F.pad(x,(1,)*10)", "F.pad(x,(-5,-5))", "F.pad(x,(1.5,1))",
    "F.pad(x,1)", "F.pad(object(),(1,1))", "F.pad(x1,(9,0),'reflect')", "F.pad(x1,(10,0),'circular')",
    "F.pad(x,(1,1),'reflect')", "F.pad(x1.bool(),(1,1),'replicate')", "F.pad(x1[...,:0],(1,1),'reflect')",
    "F.pixel_shuffle(x,2)", "F.pixel_shuffle(x[0,0],2)", "F.pixel_shuffle(x,0)", "F.pixel_unshuffle(x[...,:5],2)",
    "F.pixel_unshuffle(x,0)", "F.channel_shuffle(x,2)", "F.channel_shuffle(x,0)", "F.channel_shuffle(x[0,0],2)",
    "F.unfold(x[0,0],2)", "F.unfold(x,9)", "F.unfold(x,0)", "F.unfold(x,2,stride=0)", "F.unfold(x,2,padding=-1)",
    "F.unfold(x,(2,2,2))", "F.unfold(x.long(),2)", "F.fold(L.ones(12),(6,6),2)", "F.fold(L.ones(2,11,25),(6,6),2)",
    "F.fold(L.ones(2,12,24),(6,6),2)", "F.fold(L.ones(2,12,25),(6,6,6),2)", "F.fold(L.ones(2,12,25),(1,6),2)",
]  # fmt: skip


def outcome(library: Any, case: str) -> tuple[str, Any]:
    """("ok", shape) or (class of the error, its first three words)."""
    names = {
        "L": library, "F": library.nn.functional, "x": library.ones(2, 3, 8, 8), "w": library.ones(4, 3, 3, 3),
        "b": library.ones(4), "wt": library.ones(3, 4, 3, 3), "x1": library.ones(2, 3, 9),
        "x3": library.ones(2, 3, 9, 8, 7),
    }  # fmt: skip
    try:
        return "ok", tuple(eval(case, names).shape)
    except Exception as error:
        return type(error).__name__, str(error).split()[:3]


@pytest.mark.parametrize("case", CASES)
def test_as_pytorch(case: str) -> None:
    assert outcome(headgate, case) == outcome(torch, case)


def test_most_are_refused() -> None:
    """The list itself: it is one of errors, with some empty batches among them."""
    assert sum(outcome(torch, case)[0] != "ok" for case in CASES) > 0.8 * len(CASES)

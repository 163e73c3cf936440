"""Which types of ops prepare data for a model, rather than being part of it."""

from __future__ import annotations

import re

# Op names: tensorflow/core/ops/{image,parsing,string,lookup,io,audio,dataset,ragged}_ops.cc, 2.21.
PREPROCESS_OPS = re.compile(
    r"""
      Decode(Jpeg|Png|Gif|Bmp|WebP|Image|AndCropJpeg|Wav|Raw|PaddedRaw|CSV|Base64|Compressed|Proto(V2)?|JSONExample)
    | ExtractJpegShape | EncodeBase64 | EncodeJpeg | EncodePng | EncodeProto
    | Parse(Example(V2)?|SingleExample|SequenceExample(V2)?|SingleSequenceExample|Tensor)
    | Resize(Bilinear|Bicubic|Area|NearestNeighbor) | ScaleAndTranslate | QuantizedResizeBilinear
    | CropAndResize | ExtractGlimpse(V2)? | AdjustContrast(v2)? | AdjustHue | AdjustSaturation
    | RGBToHSV | HSVToRGB | SampleDistortedBoundingBox(V2)? | ImageProjectiveTransformV[23]
    | String\w+ | RegexReplace | RegexFullMatch | StaticRegex\w+ | Substr | AsString | ReduceJoin
    | Unicode\w+ | Wordpiece\w+ | Sentencepiece\w+ | \w*Tokenize\w* | UnsortedSegmentJoin
    | LookupTable(Find|Size|Export|Import|Insert|Remove)(V2)? | \w*HashTable\w*
    | (Dense)?Bucketize | OneHot
    | Mfcc | AudioSpectrogram
    | IteratorGetNext\w* | \w+Dataset(V\d)? | ReadFile | ReaderRead\w*
    """,
    re.VERBOSE,
)

"""Text metrics by hand."""

import math

import pandas as pd

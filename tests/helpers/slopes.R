# Slopes of scores over the cycles by lme4 and sandwich: Rscript slopes.R SCORES OUTPUT
# SCORES: CSV with setting, panel, chain, cycle, score. OUTPUT: CSV with a row a setting and method.
suppressMessages({
  library(lme4)
  library(sandwich)
})
files <- commandArgs(trailingOnly = TRUE)
scores <- read.csv(files[1])

# The likelihood may have several maxima: the best that is found from some starts and optimisers.
exactly <- list(xtol_abs = 1e-10, ftol_abs = 1e-10)
controls <- list(
  lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10), calc.derivs = FALSE),
  lmerControl(optimizer = "nloptwrap", optCtrl = exactly, calc.derivs = FALSE)
)
mixed <- function(g) {
  found <- list()
  for (start in list(NULL, c(1, -0.3, 0.1))) {
    for (control in controls) {
      m <- lmer(score ~ c + (c | chain), g, REML = TRUE, start = start, control = control)
      found <- c(found, m)
    }
  }
  found[[which.min(sapply(found, REMLcrit))]]
}

# the slope without a panel, the variances held: nothing is searched
held <- lmerControl(optimizer = NULL, calc.derivs = FALSE)
without_panel <- function(g, m, panel) {
  rest <- g[g$panel != panel, ]
  fixef(lmer(score ~ c + (c | chain), rest, start = getME(m, "theta"), control = held))[["c"]]
}

row_of <- function(g, method, estimate, se, clusters, sd_chain = NA, sd_residual = NA) {
  p <- 2 * pt(-abs(estimate / se), clusters - 1)
  data.frame(setting = g$setting[1], method, estimate, se, p, sd_chain, sd_residual)
}

rows <- lapply(split(scores, scores$setting), function(g) {
  g$c <- g$cycle - mean(g$cycle)
  panels <- unique(g$panel)
  n <- length(panels)

  m <- suppressWarnings(suppressMessages(mixed(g)))
  b <- fixef(m)[["c"]]
  without <- suppressMessages(sapply(panels, function(k) without_panel(g, m, k)))
  jackknife <- sqrt((n - 1) / n * sum((without - b)^2))
  scatter <- as.data.frame(VarCorr(m))
  sd_chain <- scatter$sdcor[which(scatter$var1 == "c" & is.na(scatter$var2))]

  f <- lm(score ~ c, data = g)
  clustered <- sqrt(vcovCL(f, cluster = g$panel, type = "HC1", cadjust = TRUE)[2, 2])

  y <- g$score - ave(g$score, g$chain)
  x <- g$cycle - ave(g$cycle, g$chain)
  w <- lm(y ~ 0 + x)
  within <- sqrt(vcovCL(w, cluster = g$chain, type = "HC0", cadjust = TRUE)[1, 1])

  rbind(
    row_of(g, "mixed", b, jackknife, n, sd_chain, sigma(m)),
    row_of(g, "ols", coef(f)[["c"]], clustered, n),
    row_of(g, "slopes", coef(w)[["x"]], within, length(unique(g$chain)))
  )
})
write.csv(do.call(rbind, rows), files[2], row.names = FALSE)

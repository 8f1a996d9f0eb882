# sh status.sh JOB: prints running, success or failed, by what Slurm says of a job.
told=$(scontrol -o show job "$1" 2>&1)
state=$(echo "$told" | sed -n 's/.* JobState=\([A-Z_]*\) .*/\1/p')
case "$told" in
    # it ended some time ago, and is known to the accounts alone
    *"Invalid job id"*) state=$(sacct -X -n -o State%20 -j "$1" 2> /dev/null | awk 'NR == 1 {print $1}') || true
        state=${state:-UNKNOWN} ;;
esac
case "$state" in
    COMPLETED) echo success ;;
    BOOT_FAIL | CANCELLED* | DEADLINE | FAILED | NODE_FAIL | OUT_OF_MEMORY | TIMEOUT | UNKNOWN) echo failed ;;
    *) echo running ;; # or waiting, or put back into the queue; or Slurm does not answer now
esac

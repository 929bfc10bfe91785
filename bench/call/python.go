package call

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// requirements are the packages of Python, and threadsProgram calls AWS with boto3.
var (
	//go:embed requirements.txt
	requirements []byte

	//go:embed threads.py
	threadsProgram []byte
)

// threadsFile is the name of threadsProgram in newPython's directory.
const threadsFile = "threads.py"

// newPython installs the AWS CLI and boto3 in a virtual environment, unless they are
// there, and returns its directory.
func newPython(ctx context.Context) (directory string, err error) {
	if directory, err = filepath.Abs(filepath.Join("..", "build", "bench-call")); err != nil {
		return "", err
	}
	installed := filepath.Join(directory, "requirements.txt") // written last
	if have, err := os.ReadFile(installed); err != nil || string(have) != string(requirements) {
		if err := install(ctx, directory); err != nil {
			return "", err
		}
		if err := os.WriteFile(installed, requirements, 0o600); err != nil {
			return "", err
		}
	}
	return directory, os.WriteFile(filepath.Join(directory, threadsFile), threadsProgram, 0o600)
}

// install makes a virtual environment with the requirements.
func install(ctx context.Context, directory string) error {
	if err := run(ctx, "python3", "-m", "venv", "--clear", directory); err != nil {
		return err
	}
	wanted := filepath.Join(directory, "wanted.txt")
	if err := os.WriteFile(wanted, requirements, 0o600); err != nil {
		return err
	}
	return run(ctx, filepath.Join(directory, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", "-r", wanted)
}

// run runs a command. Its error has what the command printed.
func run(ctx context.Context, name string, args ...string) error {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w %.300s", filepath.Base(name), err, out)
	}
	return nil
}

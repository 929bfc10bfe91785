package task_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// GreetParameters are the parameters of the task "greet".
type GreetParameters struct {
	// Greeting is the word to say. Required.
	Greeting string `json:"greeting"`
}

// Check implements task.Checker.
func (p *GreetParameters) Check() protocol.Faults {
	if p.Greeting == "" {
		return protocol.Faults{protocol.NewFault("greeting", nil, "missing")}
	}
	return nil
}

// greet does the work for one target. The field "message" of its output is printed.
func greet(_ context.Context, in task.Input[GreetParameters]) (map[string]string, error) {
	if in.Target.Name == "mars" {
		return nil, task.Skip("%s is not there", in.Target.Name)
	}
	return map[string]string{"message": in.Parameters.Greeting + " " + in.Target.Name + " in " + in.Region}, nil
}

// A task is a struct of parameters and a function. In a file of this package, register
// adds it to the tasks of every worker:
//
//	var _ = register("greet", "greet the target", greet, Idempotent)
func ExampleNew() {
	tasks := task.NewRegistry(task.New("greet", "greet the target", greet, task.Idempotent))

	_, faults := tasks.Prepare("greet", nil)
	fmt.Println(faults.Err())

	work, _ := tasks.Prepare("greet", json.RawMessage(`{"greeting":"hello"}`))
	fmt.Println(outcome(work(context.Background(), "eu-west-1", protocol.Target{Name: "world"})))
	fmt.Println(outcome(work(context.Background(), "eu-west-1", protocol.Target{Name: "mars"})))
	// Output:
	// parameters.greeting: missing
	// {"message":"hello world in eu-west-1"}
	// mars is not there
}

func outcome(output json.RawMessage, err error) string {
	if err != nil {
		return err.Error()
	}
	return string(output)
}

// A task with settings reads them once, from the environment of its worker.
func ExampleNewConfigured() {
	where := task.NewConfigured("where", "say where the worker is",
		func(s task.Settings) (task.Func[struct{}, string], error) {
			site := s.Lookup("SITE")
			return func(_ context.Context, in task.Input[struct{}]) (string, error) {
				return in.Region + " from " + site, nil
			}, nil
		})
	tasks, err := task.NewRegistry(where).Configure(func(name string) string {
		return map[string]string{"SITE": "the office"}[name]
	}, nil)
	if err != nil {
		panic(err)
	}
	work, _ := tasks.Prepare("where", nil)
	fmt.Println(outcome(work(context.Background(), "eu-west-1", protocol.Target{Name: "dynamodb"})))
	// Output: "eu-west-1 from the office"
}

// A task of your own calls AWS as the account that the invocation is for, here with a client
// of the SDK: ec2.NewFromConfig(cfg).
func ExampleAWS_Config() {
	client := task.New("client", "say what a client of the SDK gets",
		func(ctx context.Context, in task.Input[struct{}]) (string, error) {
			cfg, err := in.AWS.Config(ctx, in.Region)
			if err != nil {
				return "", err
			}
			keys, err := cfg.Credentials.Retrieve(ctx)
			return fmt.Sprintf("%s signs for %s, and makes %d attempt", keys.AccessKeyID, cfg.Region, cfg.Retryer().MaxAttempts()), err
		}, task.CallsAWS)
	tasks, err := task.NewRegistry(client).Configure(nil, task.NewAWS(0, func(context.Context) (aws.Config, error) {
		return aws.Config{Credentials: credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "secret", "")}, nil
	}, nil))
	if err != nil {
		panic(err)
	}
	work, _ := tasks.Prepare("client", nil)
	fmt.Println(outcome(work(context.Background(), "eu-west-1", protocol.Target{Name: "target"})))
	// Output: "AKIAIOSFODNN7EXAMPLE signs for eu-west-1, and makes 1 attempt"
}

// Check names the nearest task, and the nearest service for a target.
func ExampleRegistry_Check() {
	fmt.Println(task.Builtin().Check("resolv", nil, nil).Err())
	fmt.Println(task.Builtin().Check("resolve", nil, []string{"dynamodbb"}).Err())
	// Output:
	// task: "resolv": is not a task; did you mean "resolve"?
	// targets[0]: "dynamodbb": is not a service; did you mean "dynamodb"?
}

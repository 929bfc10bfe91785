//go:build e2e

package e2e

import "strings"

// watched returns the violations of what watches the runs: alarms, their topic, and the queue of
// dead letters.
func (t template) watched(r resource, fault func(string, ...any)) {
	switch r.Type {
	case "AWS::SQS::Queue":
		if r.Properties["SqsManagedSseEnabled"] != true {
			fault("is not encrypted")
		}
	case "AWS::SNS::Topic":
		if key := r.Properties["KmsMasterKeyId"]; key != nil {
			fault("has the key %s, with which alarms may not be able to publish", text(key))
		}
	case "AWS::SNS::TopicPolicy":
		for _, s := range statements(r.Properties["PolicyDocument"]) {
			from := text(at(s, "Condition", "ArnLike", "aws:SourceArn"))
			if at(s, "Principal", "Service") != "cloudwatch.amazonaws.com" || s["Action"] != "sns:Publish" ||
				text(at(s, "Condition", "StringEquals", "aws:SourceAccount")) != "${AWS::AccountId}" || !strings.Contains(from, ":alarm:meridian-") {
				fault("lets more than the alarms of the stage publish")
			}
		}
	case "AWS::CloudWatch::Alarm":
		period, _ := watchedMetric(r)["Period"].(float64)
		periods, _ := r.Properties["EvaluationPeriods"].(float64)
		// The limits of PutMetricAlarm.
		most := 86400.0
		if period >= 3600 {
			most = 604800
		}
		if period < 60 || int(period)%60 != 0 || periods < 1 || period*periods > most {
			fault("looks back over %v periods of %v s", periods, period)
		}
		if actions := list(r.Properties["AlarmActions"]); len(actions) != 1 || text(actions[0]) != "${AlarmTopic}" {
			fault("tells no topic")
		}
	}
}

// watchedMetric returns the metric of an alarm, with its Period and Statistic. That of an expression
// is the metric that the expression fills.
func watchedMetric(alarm resource) map[string]any {
	for _, m := range list(alarm.Properties["Metrics"]) {
		if metric := object(at(m, "MetricStat", "Metric")); metric != nil {
			metric["Period"], metric["Statistic"] = at(m, "MetricStat", "Period"), at(m, "MetricStat", "Stat")
			return metric
		}
	}
	return alarm.Properties
}

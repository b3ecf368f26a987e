import { operatorFlags } from '../../src/flags/operator.ts'
import { configurationsOf } from '../../src/operator/webhook-configurations.ts'

/** The names that an operator uses without flags for them. */
export const webhookNames = {
  validating: operatorFlags['webhook-validating-configuration'].default,
  mutating: operatorFlags['webhook-mutating-configuration'].default,
  service: operatorFlags['webhook-service'].default,
  secret: operatorFlags['webhook-secret'].default,
}

export const registrations = configurationsOf(webhookNames)

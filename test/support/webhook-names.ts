import { operatorFlags } from '../../src/flags/operator.ts'
import { configurationsOf } from '../../src/operator/webhook-configurations.ts'

/** As an operator has them that is told nothing else. */
export const webhookNames = {
  validating: operatorFlags['webhook-validating-configuration'].default,
  mutating: operatorFlags['webhook-mutating-configuration'].default,
  service: operatorFlags['webhook-service'].default,
  secret: operatorFlags['webhook-secret'].default,
}

export const registrations = configurationsOf(webhookNames)
